"""The chapter on strings."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from tests.support.calls import call

octets = st.binary().map(lambda data: data.decode("latin-1"))


class StringTests(SynchronousTestCase):
    """Octets, not characters."""

    def assertFault(self, message, name, *arguments):
        self.assertEqual(str(self.assertRaises(Fault, call, name, *arguments)), message)

    def test_chr_and_ord(self):
        """One octet each way."""
        for number in range(256):
            self.assertEqual(call("ord", call("chr", number)), number)
        self.assertEqual(call("ord", "abc"), 97)
        self.assertEqual(call("chr", 65.9), "A")

    def test_chr_and_ord_refuse(self):
        """There is no octet 256, and none in the empty string."""
        self.assertFault('chr() parameter "number" must be 0 to 255, 256 given', "chr", 256)
        self.assertFault('chr() parameter "number" must be 0 to 255, -1 given', "chr", -1)
        self.assertFault('ord() parameter "character" must not be empty', "ord", "")

    def test_case(self):
        """Only the letters of US-ASCII change."""
        every = "".join(map(chr, range(256)))
        lower = call("str_lower", every)
        upper = call("strtoupper", every)
        for number in range(256):
            small = 97 <= number <= 122
            large = 65 <= number <= 90
            self.assertEqual(ord(lower[number]), number + 32 * large)
            self.assertEqual(ord(upper[number]), number - 32 * small)
        self.assertEqual(call("str_lower", "AB"), "ab")
        self.assertEqual(call("str_upper", "ab"), "AB")

    def test_strip(self):
        """Only spaces, tabs and line ends go."""
        self.assertEqual(call("str_strip", " \t\r\na b\n "), "a b")
        self.assertEqual(call("trim", "\xa0a\x85\x0b"), "\xa0a\x85\x0b")

    def test_find(self):
        """From the left."""
        self.assertEqual(call("str_find", "abcabc", "c"), 2)
        self.assertEqual(call("strpos", "abcabc", "c", 3), 5)
        self.assertEqual(call("str_find", "abc", "x"), -1)
        self.assertEqual(call("str_find", "abc", "a", 1e300), -1)
        self.assertFault(
            'str_find() parameter "offset" must not be negative, -1 given', "str_find", "a", "a", -1
        )

    def test_rfind(self):
        """From the right, without as many octets as the offset says."""
        self.assertEqual(call("str_rfind", "abcabc", "c"), 5)
        self.assertEqual(call("strrpos", "abcabc", "c", 1), 2)
        self.assertEqual(call("str_rfind", "abcabc", "bc", 1), 1)
        self.assertEqual(call("str_rfind", "abc", "x"), -1)
        self.assertEqual(call("str_rfind", "abc", "", 3), 0)
        self.assertEqual(call("str_rfind", "abc", "a", 4), -1)
        self.assertFault(
            'str_rfind() parameter "offset" must not be negative, -1 given',
            "str_rfind", "a", "a", -1,
        )  # fmt: skip

    def test_slice(self):
        """Clamped on both sides; negative numbers count from the end."""
        for arguments, expected in (
            ((0,), "abcdef"), ((2,), "cdef"), ((2, 2), "cd"), ((-2,), "ef"), ((-3, 2), "de"),
            ((0, -2), "abcd"), ((2, -2), "cd"), ((4, -4), ""), ((9,), ""), ((-9, 2), "ab"),
            ((0, 0), ""), ((0, -9), ""), ((1e300,), ""), ((0, 1e300), "abcdef"), ((1.9, 1), "b"),
        ):  # fmt: skip
            self.assertEqual(call("str_slice", "abcdef", *arguments), expected, arguments)
        self.assertEqual(call("substr", "abc", 1), "bc")

    def test_repeat(self):
        """Less than once is not at all, and too much is refused before it is made."""
        self.assertEqual(call("str_repeat", "ab", 2), "abab")
        self.assertEqual(call("str_repeat", "ab", -1), "")
        self.assertEqual(call("str_repeat", "", 1e300), "")
        self.assertFault(
            "a string may have at most 16777216 octets, this one would have 16777217",
            "str_repeat", "a", 16777217,
        )  # fmt: skip
        self.assertFault(
            "a string may have at most 16777216 octets, this one would have 2e+300",
            "str_repeat", "ab", 1e300,
        )  # fmt: skip

    def test_replace(self):
        """Every occurrence from the left; nothing is not looked for."""
        self.assertEqual(call("str_replace", "aa", "b", "aaaaa"), "bba")
        self.assertEqual(call("str_replace", "", "b", "aa"), "aa")
        self.assertEqual(call("str_replace", "a", "", "banana"), "bnn")
        self.assertFault(
            "a string may have at most 16777216 octets, this one would have 25000000",
            "str_replace", "a", "b" * 5000, "a" * 5000,
        )  # fmt: skip

    def test_split(self):
        """With limits from either side."""
        for arguments, expected in (
            (("a,b,c", ","), ["a", "b", "c"]),
            (("a,b,c", ",", 2), ["a", "b,c"]),
            (("a,b,c", ",", -2), ["a,b", "c"]),
            (("a,b,c", ",", 1), ["a,b,c"]),
            (("a,b,c", ",", -1), ["a,b,c"]),
            (("a,b,c", ",", 1e300), ["a", "b", "c"]),
            (("a,b,c", ",", -1e300), ["a", "b", "c"]),
            (("", ","), [""]),
            ((",", ","), ["", ""]),
            (("how are you", " ", 2), ["how", "are you"]),
            (("how are you", " ", -2), ["how are", "you"]),
        ):
            self.assertEqual(call("str_split", *arguments), expected, arguments)
        self.assertEqual(call("explode", ",", "a,b,c", -2), ["a,b", "c"])

    def test_split_refused(self):
        """Nothing splits nothing, and there is a most of parts."""
        self.assertFault('explode() parameter "delimiter" must not be empty', "explode", "", "a")
        self.assertFault(
            'str_split() parameter "delimiter" must not be empty', "str_split", "a", ""
        )
        self.assertFault(
            "an array may have at most 1000000 items, this one would have 2000001",
            "str_split", "," * 2000000, ",",
        )  # fmt: skip

    @settings(deadline=None, derandomize=True)
    @given(octets, octets.filter(bool), st.integers(-5, 5))
    def test_split_and_join(self, string, delimiter, limit):
        """What was split can be joined, and the limit holds."""
        parts = call("str_split", string, delimiter, limit)
        self.assertEqual(call("array_join", parts, delimiter), string)
        if limit:
            self.assertLessEqual(len(parts), abs(limit))

    @settings(deadline=None, derandomize=True)
    @given(octets, octets)
    def test_find_agrees(self, string, part):
        """What is found first and last is there."""
        first, last = call("str_find", string, part), call("str_rfind", string, part)
        self.assertEqual(first < 0, last < 0)
        self.assertLessEqual(first, last)
        if first >= 0:
            self.assertEqual(call("str_slice", string, first, len(part)), part)
            self.assertEqual(call("str_slice", string, last, len(part)), part)
