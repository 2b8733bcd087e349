"""Makes ``twistd smtpgate`` known."""

from twisted.application.service import ServiceMaker

smtpgate = ServiceMaker("smtpgate", "smtpgate.twistd", "A scriptable SMTP gateway.", "smtpgate")
