"""pack() and unpack()."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from tests.support.calls import call

#: format, values, octets: both ways.
BOTH_WAYS = (
    ("C", [255], "\xff"),
    ("C3", [1, 2, 3], "\x01\x02\x03"),
    ("C*", [1, 2], "\x01\x02"),
    ("n", [258], "\x01\x02"),
    ("N", [0x01020304], "\x01\x02\x03\x04"),
    ("v", [258], "\x02\x01"),
    ("V", [0x01020304], "\x04\x03\x02\x01"),
    ("n*", [1, 2], "\x00\x01\x00\x02"),
    ("E", [1.5], "\x3f\xf8\x00\x00\x00\x00\x00\x00"),
    ("e", [1.5], "\x00\x00\x00\x00\x00\x00\xf8\x3f"),
    ("a", ["x"], "x"),
    ("a3", ["xyz"], "xyz"),
    ("a*", ["x\x00y"], "x\x00y"),
    ("Z*", ["xy"], "xy\x00"),
    ("Z4", ["xy"], "xy\x00\x00"),
    ("Z*C3", ["a", 1, 2, 3], "a\x00\x01\x02\x03"),
    ("Z*Z*", ["a", "b"], "a\x00b\x00"),
    ("H4", ["0aff"], "\x0a\xff"),
    ("H*", ["0aff"], "\x0a\xff"),
    ("H3", ["0af"], "\x0a\xf0"),
    ("H", ["f"], "\xf0"),
    ("Cx2C", [1, 2], "\x01\x00\x00\x02"),
    ("nvNVCa2", [1, 1, 1, 1, 1, "ab"], "\0\1\1\0\0\0\0\1\1\0\0\0\1ab"),
    ("", [], ""),
)


class PackTests(SynchronousTestCase):
    """Values to octets."""

    def test_both_ways(self):
        """Packed and unpacked."""
        for form, values, octets in BOTH_WAYS:
            self.assertEqual(call("pack", form, *values), octets, form)
            self.assertEqual(call("unpack", form, octets), values, form)

    def test_strings(self):
        """Cut and filled."""
        self.assertEqual(call("pack", "a2", "xyz"), "xy")
        self.assertEqual(call("pack", "a5", "xyz"), "xyz\0\0")
        self.assertEqual(call("pack", "a32", "short aes-256 key"), "short aes-256 key" + "\0" * 15)
        self.assertEqual(call("pack", "Z2", "xyz"), "x\0")
        self.assertEqual(call("pack", "Z", "xyz"), "\0")
        self.assertEqual(call("pack", "Z0a0", "xyz", "x"), "")
        self.assertEqual(call("pack", "H2", "ABCD"), "\xab")
        self.assertEqual(call("pack", "x16"), "\0" * 16)

    def test_numbers_wrap(self):
        """As in C, so that the result of bit operators can be packed."""
        self.assertEqual(call("pack", "N", -1), "\xff\xff\xff\xff")
        self.assertEqual(call("pack", "C", 257.9), "\x01")
        self.assertEqual(call("pack", "n", 1e300), "\0\0")

    def test_star_takes_nothing(self):
        """All that are left may be none."""
        self.assertEqual(call("pack", "CC*", 1), "\x01")
        self.assertEqual(call("unpack", "C*", ""), [])

    def test_errors(self):
        """Wrong formats, values and counts give none."""
        for arguments in (
            ("Q", 1), ("C", "1"), ("C", None), ("C", True), ("a", 1), ("C2", 1), ("C", 1, 2),
            ("C",), ("a",), ("x*",), ("3C", 1), ("C 2", 1, 2), ("C-1", 1), ("H2", "zz"),
            ("H4", "ab"), ("H2", " a"), ("H*", "a\n"), ("n", float("nan")), ("N", float("inf")),
            ("c", 1), ("x9999999999",), ("C\n", 1),
        ):  # fmt: skip
            self.assertIsNone(call("pack", *arguments), arguments)

    def test_too_long(self):
        """A repeater is no way around the bound of strings."""
        for arguments in (("x99999999",), ("a99999999", "x")):
            error = self.assertRaises(Fault, call, "pack", *arguments)
            self.assertEqual(
                str(error),
                "a string may have at most 16777216 octets, this one would have 99999999",
            )
        self.assertRaises(Fault, call, "pack", "x9999999" * 3)


class UnpackTests(SynchronousTestCase):
    """Octets to values."""

    def test_signed(self):
        """c has a sign."""
        self.assertEqual(call("unpack", "c*C", "\xff\x7f"), None)
        self.assertEqual(call("unpack", "cc", "\xff\x7f"), [-1, 127])

    def test_rest(self):
        """What is left over does not matter."""
        self.assertEqual(call("unpack", "C", "\x01\x02"), [1])
        self.assertEqual(call("unpack", "n*", "\0\1\0"), [1])
        self.assertEqual(call("unpack", "n*C", "\0\1\2"), [1, 2])
        self.assertEqual(call("unpack", "Z4C", "ab\0c\1"), ["ab", 1])
        self.assertEqual(call("unpack", "H1C", "\xab\1"), ["a", 1])

    def test_offset(self):
        """Where to begin."""
        self.assertEqual(call("unpack", "C*", "\1\2\3", 1), [2, 3])
        self.assertEqual(call("unpack", "a*", "abc", 3), [""])
        self.assertIsNone(call("unpack", "a*", "abc", 4))
        self.assertIsNone(call("unpack", "a*", "abc", -1))

    def test_errors(self):
        """Wrong formats and too little data give none."""
        for form, data in (
            ("C", ""), ("n", "\1"), ("N2", "\0" * 7), ("a3", "ab"), ("x2", "a"), ("H3", "a"),
            ("Z*", "abc"), ("E", "\0" * 7), ("q", "a"), ("x*", "a"), ("C999999999", "a"),
        ):  # fmt: skip
            self.assertIsNone(call("unpack", form, data), form)

    @settings(deadline=None, derandomize=True)
    @given(st.lists(st.integers(0, 2**32 - 1), max_size=8))
    def test_as_struct(self, numbers):
        """The same octets as Python's struct."""
        packed = call("pack", "N*", *numbers)
        self.assertEqual(packed.encode("latin-1"), struct.pack(f">{len(numbers)}I", *numbers))
        self.assertEqual(call("unpack", "N*", packed), numbers)

    @settings(deadline=None, derandomize=True)
    @given(st.text("aCceEHnNvVxZ*0123", max_size=8), st.binary(max_size=30))
    def test_total(self, form, data):
        """Any format and any data give an array or none."""
        found = call("unpack", form, data.decode("latin-1"))
        self.assertTrue(found is None or isinstance(found, list))
