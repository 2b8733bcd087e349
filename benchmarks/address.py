"""What it costs to read the paths and parameters of MAIL and RCPT."""

from __future__ import annotations

from measure import Benchmark

from smtpgate.smtp.address import AddressError, parse_path
from smtpgate.smtp.parameters import parse_mail_parameters

COUNT = 5000

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


def parse(octets: bytes) -> None:
    for _ in range(COUNT):
        parse_path(octets)


def refuse(octets: bytes) -> None:
    for _ in range(COUNT // 50):
        try:
            parse_path(octets)
        except AddressError:
            continue
        raise AssertionError("this address must be refused")


def parameters(octets: bytes) -> None:
    for _ in range(COUNT):
        parse_mail_parameters(octets, size_limit=52428800)


def main() -> None:
    benchmark = Benchmark("Addresses and parameters")
    for name, octets in PATHS.items():
        benchmark.cost(f"path, {name}", COUNT, lambda octets=octets: parse(octets))
    for name, octets in HOSTILE.items():
        benchmark.cost(f"refused, {name}", COUNT // 50, lambda octets=octets: refuse(octets))
    benchmark.cost("no parameters", COUNT, lambda: parameters(b""))
    benchmark.cost("SIZE and BODY", COUNT, lambda: parameters(b"SIZE=12345 BODY=8BITMIME"))
    benchmark.finish()


if __name__ == "__main__":
    main()
