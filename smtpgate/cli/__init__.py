"""The ``smtpgate`` command; each of its commands is a module that is imported when it is used."""
