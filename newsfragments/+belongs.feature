A function or a variable that another hook has is an error, or a warning, that says so; ``smtpgate run`` and ``smtpgate check`` name the option ``--hook``.
