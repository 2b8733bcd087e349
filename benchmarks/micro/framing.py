"""How fast command lines are cut, and messages of DATA and BDAT read."""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Bench
from smtpgate.smtp.framing import BareNewlines, BodyReader, ChunkReader, LineBuffer

TITLE = "Framing"

BARE_NEWLINES: tuple[BareNewlines, ...] = ("reject", "normalize", "pass")
SEGMENT = 65536  # octets that arrive at once


def read_body(policy: BareNewlines, segment: bytes, times: int) -> None:
    reader = BodyReader(policy)
    for _ in range(times):
        reader.feed(segment)
    assert reader.feed(b"\r\n.\r\n").done
    assert not reader.refused


def read_chunk(segment: bytes, times: int) -> None:
    reader = ChunkReader()
    reader.begin(times * len(segment), last=True)
    for _ in range(times):
        piece = reader.feed(segment)
    assert piece.done
    assert not reader.refused


def read_singles(segment: bytes) -> None:
    reader = BodyReader()
    for at in range(len(segment)):
        reader.feed(segment[at : at + 1])


def cut_lines(line: bytes, waiting: int, repeats: int) -> None:
    octets = line * waiting
    buffer = LineBuffer()
    for _ in range(repeats):
        buffer.append(octets)
        lines = 0
        while buffer.take() is not None:
            lines += 1
        assert lines == waiting


def cut_singles(octets: bytes) -> None:
    buffer = LineBuffer()
    for at in range(len(octets)):
        buffer.append(octets[at : at + 1])
        buffer.take()


def measure(bench: Bench) -> None:
    """Short lines and long ones; dots; commands that wait; octets that come alone."""
    times = bench.amount(256)
    megabytes = times * SEGMENT / 1e6
    for length in (78, 1000):
        line = b"x" * (length - 2) + b"\r\n"
        segment = (line * (SEGMENT // length + 1))[:SEGMENT]
        # The line may be cut by the segment's edge, as the network does it.
        segment = segment[:-2] + b"xx" if segment.endswith((b"\r", b"\n")) else segment
        dotted = (b".." + line) * (SEGMENT // (length + 2))
        for policy in BARE_NEWLINES:
            bench.rate(
                f"DATA, {length}-octet lines, {policy}",
                "MB",
                megabytes,
                partial(read_body, policy, segment, times),
            )
        bench.rate(
            f"DATA, {length}-octet lines, each with a dot",
            "MB",
            times * len(dotted) / 1e6,
            partial(read_body, "reject", dotted, times),
        )
        bench.rate(
            f"BDAT, {length}-octet lines",
            "MB",
            megabytes,
            partial(read_chunk, segment, times),
        )
    rcpt = b"RCPT TO:<someone.with.a.name@example.org> NOTIFY=NEVER\r\n"
    for waiting in (10, 1000, bench.amount(100_000, 2000)):
        repeats = bench.amount(max(1, 10_000 // waiting))
        bench.cost(
            f"a command, {waiting:,} waiting",
            waiting * repeats,
            partial(cut_lines, rcpt, waiting, repeats),
        )
    alone = bench.amount(SEGMENT, 100)
    bench.cost("one octet of DATA on its own", alone, lambda: read_singles(b"x" * alone))
    bench.cost("one octet of a command on its own", alone, lambda: cut_singles(b"x" * alone))
