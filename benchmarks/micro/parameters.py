"""What it costs to read the parameters of MAIL and RCPT."""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Bench
from smtpgate.smtp.commands.parameters import parse_mail_parameters, parse_rcpt_parameters

TITLE = "Parameters"

MAIL = {
    "none": b"",
    "SIZE": b"SIZE=12345",
    "SIZE and BODY": b"SIZE=12345 BODY=8BITMIME",
    "what a relay sends": b"SIZE=12345 BODY=8BITMIME RET=HDRS ENVID=QQ314159",
}
RCPT = {
    "NOTIFY": b"NOTIFY=SUCCESS,FAILURE",
    "NOTIFY and ORCPT": b"NOTIFY=NEVER ORCPT=rfc822;first+2Blast@example.org",
}


def measure(bench: Bench) -> None:
    """As clients send them."""
    count = bench.amount(5000)
    for name, octets in MAIL.items():
        bench.cost(f"MAIL, {name}", count, partial(mail, octets, count))
    for name, octets in RCPT.items():
        bench.cost(f"RCPT, {name}", count, partial(rcpt, octets, count))


def mail(octets: bytes, count: int) -> None:
    for _ in range(count):
        parse_mail_parameters(octets, size_limit=52_428_800)


def rcpt(octets: bytes, count: int) -> None:
    for _ in range(count):
        parse_rcpt_parameters(octets)
