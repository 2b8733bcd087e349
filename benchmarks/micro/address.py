"""What it costs to read the paths of MAIL and RCPT."""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Bench
from smtpgate.smtp.address import AddressError, parse_path

TITLE = "Addresses"

PATHS = {
    "short": b"<jo@example.org>",
    "usual": b"<firstname.lastname+newsletter@mail.example.org>",
    "quoted": rb'<"first \"nick\" last"@example.org>',
    "IPv4 literal": b"<jo@[192.0.2.1]>",
    "IPv6 literal": b"<jo@[IPv6:2001:db8::1]>",
    "UTF-8": "<jürgen@bücher.example>".encode(),
    "longest": b"<" + b"x" * 64 + b"@" + b"a." * 94 + b"a>",
    "31 quoted pairs": b'<"' + b"\\x" * 31 + b'"@example.org>',
}
HOSTILE = {
    "16384 spaces": b" " * 16384,
    "10000 quoted pairs": b'<"' + b"\\x" * 10000,
    "10000 labels": b"<a@" + b"a." * 10000 + b">",
    "10000 atoms": b"<" + b"a." * 10000,
}


def measure(bench: Bench) -> None:
    """Paths that are good, and paths that want to be slow."""
    count = bench.amount(5000)
    for name, octets in PATHS.items():
        bench.cost(f"path, {name}", count, partial(parse, octets, count))
    few = bench.amount(100)
    for name, octets in HOSTILE.items():
        bench.cost(f"refused, {name}", few, partial(refuse, octets, few))


def parse(octets: bytes, count: int) -> None:
    for _ in range(count):
        parse_path(octets)


def refuse(octets: bytes, count: int) -> None:
    for _ in range(count):
        try:
            parse_path(octets)
        except AddressError:
            continue
        raise AssertionError("this address must be refused")
