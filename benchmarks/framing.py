"""How fast command lines are cut, and messages of DATA and BDAT read."""

from __future__ import annotations

from measure import Benchmark

from smtpgate.smtp.framing import BareNewlines, BodyReader, ChunkReader, LineBuffer

SEGMENT = 65536  # octets that arrive at once
SEGMENTS = 256


def read_body(policy: BareNewlines, segment: bytes) -> None:
    reader = BodyReader(policy)
    for _ in range(SEGMENTS):
        reader.feed(segment)
    assert reader.feed(b"\r\n.\r\n").done
    assert not reader.refused


def read_chunk(segment: bytes) -> None:
    reader = ChunkReader()
    reader.begin(SEGMENTS * len(segment), last=True)
    for _ in range(SEGMENTS):
        piece = reader.feed(segment)
    assert piece.done
    assert not reader.refused


def read_singles(segment: bytes) -> None:
    reader = BodyReader()
    for at in range(len(segment)):
        reader.feed(segment[at : at + 1])


def cut_lines(octets: bytes, expected: int) -> None:
    buffer = LineBuffer()
    buffer.append(octets)
    lines = 0
    while buffer.take() is not None:
        lines += 1
    assert lines == expected


def cut_singles(octets: bytes) -> None:
    buffer = LineBuffer()
    for at in range(len(octets)):
        buffer.append(octets[at : at + 1])
        buffer.take()


def main() -> None:
    benchmark = Benchmark("Framing")
    for length in (78, 1000):
        line = b"x" * (length - 2) + b"\r\n"
        segment = (line * (SEGMENT // length + 1))[:SEGMENT]
        # The line may be cut by the segment's edge, as the network does it.
        segment = segment[:-2] + b"xx" if segment.endswith((b"\r", b"\n")) else segment
        dotted = (b".." + line) * (SEGMENT // (length + 2))
        megabytes = SEGMENTS * SEGMENT / 1e6
        for policy in ("reject", "normalize", "pass"):
            benchmark.rate(
                f"DATA, {length}-octet lines, {policy}",
                "MB",
                megabytes,
                lambda policy=policy, segment=segment: read_body(policy, segment),
            )
        benchmark.rate(
            f"DATA, {length}-octet lines, each with a dot",
            "MB",
            SEGMENTS * len(dotted) / 1e6,
            lambda dotted=dotted: read_body("reject", dotted),
        )
        benchmark.rate(
            f"BDAT, {length}-octet lines",
            "MB",
            megabytes,
            lambda segment=segment: read_chunk(segment),
        )
    short = b"NOOP\r\n"
    mail = b"RCPT TO:<someone.with.a.name@example.org> NOTIFY=NEVER\r\n"
    for count in (10, 1000, 100_000):
        benchmark.rate(
            f"pipelined commands, {count} waiting",
            "lines",
            count,
            lambda count=count: cut_lines(mail * count, count),
        )
    benchmark.rate(
        "shortest commands, 100000 waiting",
        "lines",
        100_000,
        lambda: cut_lines(short * 100_000, 100_000),
    )
    benchmark.cost("one octet of DATA on its own", SEGMENT, lambda: read_singles(b"x" * SEGMENT))
    benchmark.cost(
        "one octet of a command on its own", SEGMENT, lambda: cut_singles(b"x" * SEGMENT)
    )
    benchmark.finish()


if __name__ == "__main__":
    main()
