"""Values of scripts as octets, and octets of any number in a box."""

from __future__ import annotations

from math import copysign, isnan

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.protocols.amp import AmpBox
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.values import Function, Map
from smtpgate.workers.codec import CodecError, decode, encode
from smtpgate.workers.commands import Blob
from tests.support.pauses import counted

OCTETS = st.text(st.characters(max_codepoint=255), max_size=20)
SCALARS = st.one_of(st.none(), st.booleans(), st.floats(), st.integers(-(2**53), 2**53), OCTETS)
KEYS = st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1), OCTETS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(KEYS, inner, max_size=5).map(Map)
    ),
    max_leaves=30,
)


def same(one: object, other: object) -> bool:
    """Equal in everything that a script, or the code behind it, could ever see."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        if isnan(one):
            return isnan(other)
        return one == other and copysign(1, one) == copysign(1, other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Map):
        return same(list(one), list(other)) and same(list(one.values()), list(other.values()))
    return one == other


class CodecTests(SynchronousTestCase):
    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(VALUES)
    def test_exact(self, value: object) -> None:
        """What comes out is what went in: types, order and kinds of keys, the sign of zero."""
        self.assertTrue(same(value, decode(encode(value))), value)

    def test_pauses(self) -> None:
        """Large arrays are read, and written, with turns for others."""
        for value in ([1.0] * 100_000, Map({f"k{n}": [n] for n in range(50_000)})):
            with counted() as writing:
                octets = encode(value)
            with counted() as reading:
                self.assertEqual(value, decode(octets))
            self.assertGreater(writing.pauses, 20)
            self.assertGreater(reading.pauses, 20)

    def test_shared(self) -> None:
        """An array that is held twice is written once, and is one again."""
        value: list[object] = [1.0]
        for _ in range(100):
            value = [value, value]
        octets = encode(value)
        self.assertLess(len(octets), 2000)
        found = decode(octets)
        self.assertIs(found[0], found[1])

    def test_no_plain_data(self) -> None:
        """What is no plain data has no form."""
        function = Function("f", print, 0, 0)
        error = self.assertRaises(CodecError, encode, [function])
        self.assertEqual("Function is no plain data", str(error))
        error = self.assertRaises(CodecError, encode, "\u20ac")
        self.assertEqual("a string has characters that are no octets", str(error))

    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(st.binary(max_size=40))
    def test_any_octets(self, octets: bytes) -> None:
        """Octets are a value, or an error; never anything else."""
        try:
            decode(octets)
        except CodecError:
            pass

    @settings(deadline=None, derandomize=True)
    @given(VALUES, st.data())
    def test_cut(self, value: object, data: st.DataObject) -> None:
        """A value that was cut off is an error, and so is one with something behind it."""
        octets = encode(value)
        end = data.draw(st.integers(0, len(octets) - 1))
        self.assertRaises(CodecError, decode, octets[:end])
        self.assertRaises(CodecError, decode, octets + b"N")


class BlobTests(SynchronousTestCase):
    def box(self, octets: bytes) -> bytes:
        box = AmpBox()
        Blob().toBox(b"value", box, {"value": octets}, None)
        objects: dict[str, bytes] = {}
        Blob().fromBox(b"value", box, objects, None)
        box.serialize()  # raises when something is too long
        return objects["value"]

    def test_any_size(self) -> None:
        """Octets of any number, at the edges of what AMP takes under a key too."""
        for size in (0, 1, 65534, 65535, 65536, 131070, 131071, 1_000_000):
            octets = bytes(range(256)) * (size // 256 + 1)
            self.assertEqual(octets[:size], self.box(octets[:size]))

    def test_optional(self) -> None:
        """None is left out, when that is allowed; nothing is not the empty string."""
        box = AmpBox()
        Blob(optional=True).toBox(b"value", box, {"value": None}, None)
        self.assertEqual({}, dict(box))
        objects: dict[str, bytes] = {}
        Blob(optional=True).fromBox(b"value", box, objects, None)
        self.assertEqual({"value": None}, objects)
        self.assertRaises(KeyError, Blob().fromBox, b"value", box, objects, None)
