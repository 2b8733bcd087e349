"""What it costs to make replies and to read them; most of our own are made once."""

from __future__ import annotations

from benchmarks.measure import Bench
from smtpgate.smtp.nexthop.replyreader import ReplyReader
from smtpgate.smtp.reply import OK, Reply, queued, worst

TITLE = "Replies"


def measure(bench: Bench) -> None:
    """Made, written and read."""
    count = bench.amount(5000)

    def message() -> None:
        for _ in range(count):
            queued("01234567-89ab-4cde-8f01-23456789abcd")

    def script() -> None:
        for _ in range(count):
            Reply.of(550, "We do not tell", (5, 7, 1))

    def long() -> None:
        lines = [f"line {n}" for n in range(10)]
        for _ in range(count):
            Reply.of(250, lines, (2, 0, 0))

    def choose() -> None:
        for _ in range(count):
            worst((OK, OK))

    bench.cost("to a message", count, message)
    bench.cost("a script's, one line", count, script)
    bench.cost("a script's, ten lines", count, long)
    bench.cost("the worst of two", count, choose)
    octets = b"250 2.1.5 Recipient OK\r\n"
    bench.cost("a next hop's, one line", count, lambda: read(octets, count))
    octets_of_ehlo = b"".join(b"250-KEYWORD%d\r\n" % n for n in range(9)) + b"250 LAST\r\n"
    bench.cost("a next hop's, ten lines", count, lambda: read(octets_of_ehlo, count))


def read(octets: bytes, count: int) -> None:
    reader = ReplyReader()
    for _ in range(count):
        reader.append(octets)
        assert reader.next() is not None
