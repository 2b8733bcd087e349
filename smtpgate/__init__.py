"""smtpgate: a scriptable SMTP gateway on Twisted."""

__version__ = "0.1.0"
