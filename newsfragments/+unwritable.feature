``smtpgate check`` of a configuration finds what cannot be written to: ``state``, a Maildir, and where certificates are made.
