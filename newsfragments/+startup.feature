The gateway is up in half the time: it imports what its configuration and its scripts use, and nothing else.  ``python -m smtpgate`` does what ``smtpgate`` does.
