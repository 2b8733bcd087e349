The gateway: several servers with several listeners, STARTTLS and implicit TLS, SNI, accounts with Argon2 hashes, Maildir delivery, reload at SIGHUP.
