"""Streams of octets, and the ways in which a network may cut them."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import strategies as st

# Streams made of what matters to framing: much denser in edges than random octets.
tokens = st.sampled_from(
    [
        b"\r\n",
        b"\r",
        b"\n",
        b".",
        b"\r\n.",
        b"\r\n.\r\n",
        b"\n.\n",
        b"a",
        b"\0",
        b"\xff",
        b"xyz" * 9,
    ]
)
streams = st.lists(tokens, max_size=30).map(b"".join)
sizes = st.lists(st.integers(0, 12), max_size=60)


def pieces(octets: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Cut octets into pieces of these sizes, empty ones too, and a last one with the rest."""
    at = 0
    for size in sizes:
        yield octets[at : at + size]
        at += size
    yield octets[at:]


def singles(octets: bytes) -> list[bytes]:
    """The octets one by one."""
    return [octets[at : at + 1] for at in range(len(octets))]
