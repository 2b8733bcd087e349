"""Makes ``twistd smtpgate`` known."""

from twisted.application.service import ServiceMaker

smtpgate = ServiceMaker(  # type: ignore[no-untyped-call]
    "smtpgate", "smtpgate.twistd", "A scriptable SMTP gateway.", "smtpgate"
)
