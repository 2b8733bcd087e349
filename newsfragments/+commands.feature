The commands ``smtpgate start``, ``check``, ``run``, ``repl`` and ``passwd``, and ``twistd smtpgate``.
