"""The chapter on encodings: base64, percent-encoding, CSV and JSON."""

import base64
import csv
import io
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits import ACTIVE, Limits
from smtpgate.hsl.values import Map, Object, strict_equal
from tests.support.calls import array, call, function

octets = st.binary().map(lambda data: data.decode("latin-1"))


def utf8(text):
    return text.encode("utf-8").decode("latin-1")


class Base64Tests(SynchronousTestCase):
    """RFC 4648."""

    #: RFC 4648 section 10.
    VECTORS = {
        "": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE=",
        "foobar": "Zm9vYmFy",
    }  # fmt: skip

    def test_vectors(self):
        """The RFC's own."""
        for plain, encoded in self.VECTORS.items():
            self.assertEqual(call("base64_encode", plain), encoded)
            self.assertEqual(call("base64_decode", encoded), plain)

    def test_lenient(self):
        """Line ends, other signs, missing padding, and what follows the padding."""
        self.assertEqual(call("base64_decode", "Zm9v\r\n YmFy"), "foobar")
        self.assertEqual(call("base64_decode", "Zm9vYg"), "foob")
        self.assertEqual(call("base64_decode", "Zm9vY"), "foo")
        self.assertEqual(call("base64_decode", "Zg==Zg=="), "f")
        self.assertEqual(call("base64_decode", "Z-g_="), "f")
        self.assertEqual(call("base64_decode", "\xff"), "")

    @settings(deadline=None, derandomize=True)
    @given(octets)
    def test_round_trip(self, string):
        """Every octet comes back."""
        encoded = call("base64_encode", string)
        self.assertEqual(encoded.encode(), base64.b64encode(string.encode("latin-1")))
        self.assertEqual(call("base64_decode", encoded), string)

    def test_too_long(self):
        """The longest string has no base64."""
        error = self.assertRaises(Fault, call, "base64_encode", "a" * 16 * 1024 * 1024)
        self.assertEqual(
            str(error),
            "a string may have at most 16777216 octets, this one would have 22369624",
        )


class URLTests(SynchronousTestCase):
    """Percent-encoding."""

    def test_encode(self):
        """All but the unreserved characters of RFC 3986."""
        self.assertEqual(call("urlencode", "aZ09-._~"), "aZ09-._~")
        self.assertEqual(call("urlencode", " /+%\xff"), "%20%2F%2B%25%FF")

    def test_decode(self):
        """Either case, spaces of forms; what is no escape stays."""
        self.assertEqual(call("urldecode", "a+b%2f%2F%fF"), "a b//\xff")
        self.assertEqual(call("urldecode", "100%%2"), "100%%2")

    @settings(deadline=None, derandomize=True)
    @given(octets)
    def test_round_trip(self, string):
        """Every octet comes back."""
        self.assertEqual(call("urldecode", call("urlencode", string)), string)


class CSVDecodeTests(SynchronousTestCase):
    """csv_decode()."""

    def test_header(self):
        """Rows under their names; line ends of all kinds, quotes, empty lines."""
        text = 'a,b\r\n1,"x,""y""\nz"\n\n3,4\r5,'
        self.assertEqual(
            call("csv_decode", text),
            [array(a="1", b='x,"y"\nz'), array(a="3", b="4"), array(a="5", b="")],
        )

    def test_no_header(self):
        """Rows as lists."""
        self.assertEqual(
            call("csv_decode", "a;b\nc", array(header=False, delimiter=";")), [["a", "b"], ["c"]]
        )
        self.assertEqual(call("csv_decode", "", array(header=False)), [])
        self.assertEqual(call("csv_decode", ""), [])

    def test_uneven(self):
        """A short row has fewer items, a long one numbers the rest."""
        rows = call("csv_decode", "a,b\n1\n1,2,3")
        self.assertEqual(rows, [array(a="1"), Map({"a": "1", "b": "2", 2: "3"})])

    def test_keys(self):
        """Names that are numbers are numbers."""
        self.assertEqual(call("csv_decode", "0,1\nx,y"), [["x", "y"]])

    def test_octets(self):
        """Octets stay as they are, NUL and line separators of Unicode too."""
        self.assertEqual(
            call("csv_decode", "a\x85b,\x00\xff", array(header=False)), [["a\x85b", "\x00\xff"]]
        )

    def test_schema(self):
        """Types, null cells, and the words for true and false."""
        schema = array(
            n=array(type="number", nullable=True),
            b=array(type="boolean", true=["yes"], false=["no"], nullable=["-"]),
            s=array(nullable=["NULL"]),
            missing=array(type="number"),
        )
        rows = call(
            "csv_decode", "n,b,s,other\n1.5,yes,a,1\n,no,NULL,\n0x10,-,,", array(schema=schema)
        )
        self.assertEqual(
            rows,
            [
                array(n=1.5, b=True, s="a", other="1"),
                array(n=None, b=False, s=None, other=""),
                array(n=16, b=None, s="", other=""),
            ],
        )

    def test_default_words(self):
        """Without lists "true" and "false" are meant, in lower case."""
        schema = array(schema=array(b=array(type="boolean")))
        self.assertEqual(
            call("csv_decode", "b\ntrue\nfalse", schema), [array(b=True), array(b=False)]
        )
        self.assertRaises(Fault, call, "csv_decode", "b\nTrue", schema)

    def test_faults(self):
        """Cells that do not fit and options that make no sense."""
        for text, options, message in (
            (
                "b\ntrue\nmaybe",
                array(schema=array(b=array(type="boolean"))),
                'csv_decode() line 3, column "b": "maybe" is neither true nor false',
            ),
            (
                "n\nten",
                array(schema=array(n=array(type="number"))),
                'csv_decode() line 2, column "n": "ten" is no number',
            ),
            (
                "n\n1",
                array(schema=array(n="number")),
                'csv_decode() schema of column "n" must be an array, string given',
            ),
            (
                "n\n1",
                array(schema=array(n=array(type="int"))),
                'csv_decode() option "type" must be one of "string", "number", "boolean"; '
                '"int" given',
            ),
            (
                "n\n1",
                array(schema=array(n=array(typ="number"))),
                'csv_decode() has no option "typ", did you mean "type"?',
            ),
            (
                "a",
                array(delimiter=""),
                'csv_decode() option "delimiter" must be one octet, no quote and no end of line',
            ),
        ):
            error = self.assertRaises(Fault, call, "csv_decode", text, options)
            self.assertEqual(str(error), message)

    def test_many_rows(self):
        """There is a most of rows."""
        self.patch(ACTIVE, "limits", Limits(array=2))
        error = self.assertRaises(Fault, call, "csv_decode", "1\n2\n3", array(header=False))
        self.assertEqual(str(error), "an array may have at most 2 items, this one would have 3")

    def test_long_cell(self):
        """A cell may be as long as a string."""
        cell = "a" * 300000
        self.assertEqual(call("csv_decode", cell, array(header=False)), [[cell]])

    @settings(deadline=None, derandomize=True)
    @given(st.text(st.characters(max_codepoint=255), max_size=60))
    def test_total(self, text):
        """Any text is some rows."""
        self.assertIsInstance(call("csv_decode", text, array(header=False)), list)
        self.assertIsInstance(call("csv_decode", text), list)


class CSVEncodeTests(SynchronousTestCase):
    """csv_encode()."""

    def test_quotes(self):
        """Quoted where it is needed."""
        self.assertEqual(
            call("csv_encode", ["Hello", "World", "Hello World"]), 'Hello,World,"Hello World"'
        )
        self.assertEqual(
            call("csv_encode", ['a"b', "a,b", "a\nb", 1.5, True]), '"a""b","a,b","a\nb",1.5,1'
        )
        self.assertEqual(call("csv_encode", ["a,b", "a;b"], array(delimiter=";")), 'a,b;"a;b"')
        self.assertEqual(call("csv_encode", []), "")

    def test_kinds(self):
        """none has no text."""
        error = self.assertRaises(Fault, call, "csv_encode", [None])
        self.assertEqual(
            str(error),
            'csv_encode() parameter "values" must hold strings, numbers or booleans, none given',
        )

    @settings(deadline=None, derandomize=True)
    @given(st.lists(octets, min_size=2, max_size=5))
    def test_round_trip(self, cells):
        """Another reader reads it as well."""
        line = call("csv_encode", cells)
        self.assertEqual(next(csv.reader(io.StringIO(line, newline=""))), cells)


class JSONEncodeTests(SynchronousTestCase):
    """json_encode()."""

    def test_values(self):
        """Each type."""
        for value, text in (
            (None, "null"), (True, "true"), (False, "false"), (1.0, "1"), (0.1, "0.1"),
            (1e20, "1e+20"), (-0.0, "0"), ("", '""'), ('"\\/\n\x01', '"\\"\\\\/\\n\\u0001"'),
            ([], "[]"), ([1.0, [None]], "[1,[null]]"), (Map(a=1.0, b="x"), '{"a":1,"b":"x"}'),
            (Map({1: "x"}), '{"1":"x"}'), (utf8("é€😀"), '"\\u00e9\\u20ac\\ud83d\\ude00"'),
        ):  # fmt: skip
            self.assertEqual(call("json_encode", value), text)

    def test_unicode(self):
        """UTF-8 as it is, when asked for."""
        text = utf8("é€😀")
        self.assertEqual(call("json_encode", text, array(ensure_ascii=False)), f'"{text}"')

    def test_pretty(self):
        """An item a line."""
        self.assertEqual(
            call("json_encode", array(a=[1.0, Map(b=None)], c=[]), array(pretty_print=True)),
            '{\n    "a": [\n        1,\n        {\n            "b": null\n        }\n    ],'
            '\n    "c": []\n}',
        )

    def test_undefined(self):
        """What has no JSON gives none."""
        deep = []
        for _ in range(100):
            deep = [deep]
        for value in (
            "\xff", [utf8("é") + "\xe9"], Map({"\xff": 1}), float("nan"), [float("inf")],
            function(len), [Object()], Map({None: 1}), deep,
        ):  # fmt: skip
            self.assertIsNone(call("json_encode", value))

    def test_bound(self):
        """Small arrays within arrays cannot make an endless text."""
        value = ["a" * 1000] * 1000
        for _ in range(20):
            value = [value, value]
        error = self.assertRaises(Fault, call, "json_encode", value)
        self.assertSubstring("a string may have at most 16777216 octets", str(error))


class JSONDecodeTests(SynchronousTestCase):
    """json_decode()."""

    def test_values(self):
        """Each type."""
        for text, value in (
            ("null", None), (" true ", True), ("false", False), ("12", 12.0), ("-1.5e3", -1500.0),
            ('"a\\n\\u00e9"', "a\n" + utf8("é")), ('"\\ud83d\\ude00"', utf8("😀")),
            ("[]", []), ("[1,[2]]", [1.0, [2.0]]), ("{}", []), ('{"a":{"b":[]}}', Map(a=Map(b=[]))),
            ('{"0":"x","1":"y"}', ["x", "y"]), ('{"1":1,"01":2}', Map({1: 1.0, "01": 2.0})),
            (utf8('{"é":["€"]}'), Map({utf8("é"): [utf8("€")]})),
        ):  # fmt: skip
            found = call("json_decode", text)
            self.assertTrue(strict_equal(found, value), (text, found))

    def test_last_member_counts(self):
        """Of two members with a name the last one counts, also as a number."""
        self.assertEqual(call("json_decode", '{"a":1,"b":2,"a":3}'), Map(a=3, b=2))

    def test_numbers(self):
        """Numbers are floats; too large ones are errors."""
        self.assertEqual(call("json_decode", "12345678901234567890"), 12345678901234567890.0)
        self.assertIsInstance(call("json_decode", "1"), float)
        self.assertEqual(call("json_decode", "9" * 300), float("9" * 300))
        self.assertIsNone(call("json_decode", "9" * 5000))
        self.assertIsNone(call("json_decode", "1e400"))

    def test_errors(self):
        """What is no JSON gives none."""
        for text in (
            "", " ", "{", "[1,]", "{'a':1}", '{"a" 1}', "01", "+1", ".5", "1.", "NaN", "Infinity",
            "-Infinity", "nul", '"', '"\\x"', '"\n"', "[1] 2", "// a\n1", '"\xff"', "\xef\xbb\xbf1",
            '"\\ud800"', '{"\\udc00":1}', "\xa01", "[" * 101 + "]" * 101, "[" * 100000,
            '{"a":' * 5000, "\xb2", "1\x00",
        ):  # fmt: skip
            self.assertIsNone(call("json_decode", text), text[:20])

    def test_depth(self):
        """A hundred levels are fine, brackets in strings are none."""
        self.assertIsNotNone(call("json_decode", "[" * 100 + "]" * 100))
        self.assertEqual(call("json_decode", '["' + "[{" * 200 + '"]'), ["[{" * 200])

    def test_size(self):
        """Too large an array is an error that says so; commas in strings are none."""
        error = self.assertRaises(Fault, call, "json_decode", "[" + "1," * 1000000 + "1]")
        self.assertEqual(
            str(error), "an array may have at most 1000000 items, this one would have 1000001"
        )
        self.patch(ACTIVE, "limits", Limits(array=5))
        self.assertEqual(call("json_decode", '[",,,,,,,\\",,,,"]'), [',,,,,,,",,,,'])

    def test_comments(self):
        """Both kinds, anywhere but in strings; one without its end is an error."""
        allow = array(allow_comments=True)
        self.assertEqual(
            call("json_decode", '// x "\n[1, /* [ */ "//", "/*", "\\"/*" // y', allow), None
        )
        self.assertEqual(
            call("json_decode", '// x "\n[1, /* ] */ "//", "/**/\\"//"] // y', allow),
            [1.0, "//", '/**/"//'],
        )
        self.assertIsNone(call("json_decode", "1 /* x", allow))
        self.assertIsNone(call("json_decode", "1 /*/", allow))
        self.assertIsNone(call("json_decode", "1 # x", allow))
        self.assertIsNone(call("json_decode", '"a // b', allow))

    def test_comments_fast(self):
        """Texts made to be read again and again are read once."""
        allow = array(allow_comments=True)
        for text in ("/*" * 500000, '"\\' * 500000, '"' + '\\"' * 500000, "/" * 500000):
            self.assertIsNone(call("json_decode", text, allow))

    values = st.recursive(
        st.none()
        | st.booleans()
        | st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0)
        | st.text(st.characters(codec="utf-8")).map(utf8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.text("abcdé", min_size=1).map(utf8), inner, min_size=1, max_size=4
            ).map(Map)
        ),
        max_leaves=20,
    )

    @settings(deadline=None, derandomize=True)
    @given(values, st.booleans(), st.booleans())
    def test_round_trip(self, value, ascii, pretty):
        """What was written is read again, here and by Python."""
        text = call("json_encode", value, array(ensure_ascii=ascii, pretty_print=pretty))
        self.assertTrue(strict_equal(call("json_decode", text), value))
        json.loads(text.encode("latin-1"))
        self.assertTrue(text.isascii() or not ascii)

    @settings(deadline=None, derandomize=True)
    @given(st.text('[]{}",:0e-. \\/*u\nt\xe9', max_size=30), st.booleans())
    def test_total(self, text, comments):
        """Any text is a value or none, as Python sees it."""
        found = call("json_decode", text, array(allow_comments=comments))
        if not comments:
            try:
                expected = json.loads(text.encode("latin-1"), parse_constant=float)
            except ValueError:
                self.assertIsNone(found)
            else:
                self.assertEqual(found is None, expected is None)
