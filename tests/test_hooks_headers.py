"""The functions of end of data that read and change the header."""

from smtpgate.hooks import letter
from tests.support.endofdata import AL, BO, TROUBLE, EndOfDataTestCase


class HeaderTests(EndOfDataTestCase):
    """The functions that read and change the header."""

    def test_read(self):
        """The first, all with a name, all; names in any case; none where there is none."""
        session, _ = self.each(
            'echo GetHeader("SUBJECT"); echo json_encode(GetHeaders("X-ONE"));'
            'echo GetHeader("X-Two") ?? "none"; echo json_encode(GetHeaders("X-Two"));'
            "echo json_encode(GetHeaders(true));"
        )
        self.assertEqual(
            session.echoed,
            ["hello", '["1","2"]', "none", "[]",
             '["Subject: hello","From: Jo <jo@example.org>","X-One: 1","x-one: 2"]'],
        )  # fmt: skip

    def test_decode(self):
        """Encoded words become UTF-8, unless they are asked for as they are."""
        for value, expected in (
            ("=?utf-8?q?caf=C3=A9?=", "caf\xc3\xa9"),
            ("=?iso-8859-1?Q?caf=E9?= =?utf-8?B?IG9r?=", "caf\xc3\xa9 ok"),
            ("=?utf-8?q?a?=\r\n =?utf-8?q?_b?=", "a b"),
            ("a\r\n b", "a b"),
            ("=?nonsense?q?x?=", "=?nonsense?q?x?="),
            ("=?zip?b?eJwDAAAAAAE=?=", "=?zip?b?eJwDAAAAAAE=?="),
            ("=?utf-8?b?****?=", "=?utf-8?b?****?="),
        ):
            session = self.session(
                each='echo GetHeader("Subject"); echo GetHeader("Subject", false);'
            )
            lines = f"Subject: {value}".split("\r\n")
            self.deliver(session, message=[*lines, "", "."])
            self.assertEqual(session.echoed, [expected, value.replace("\r\n", "")])

    def test_change(self):
        """Each function, where there is such a header."""
        rest = ["From: Jo <jo@example.org>", "X-One: 1", "x-one: 2"]
        for call, expected in (
            ('AddHeader("X-New", "v");', ["X-New: v", "Subject: hello", *rest]),
            ('SetHeader("subject", "v");', ["subject: v", *rest]),
            ('PrependHeader("Subject", "[x] ");', ["Subject: [x] hello", *rest]),
            ('AppendHeader("Subject", " (x)");', ["Subject: hello (x)", *rest]),
            ('DelHeader("X-ONE");', ["Subject: hello", rest[0]]),
        ):
            self.assertEqual(self.header(call), expected)

    def test_counts(self):
        """They tell how many headers were changed; a new one counts."""
        session, _ = self.each(
            'echo SetHeader("X-One", "x"); echo PrependHeader("X-One", "y");'
            'echo AppendHeader("X-New", "z"); echo DelHeader("X-One"); echo DelHeader("X-One");'
            'echo AddHeader("X", "y") ?? "none"; echo GetHeader("X-New");'
        )
        self.assertEqual(session.echoed, ["2", "2", "1", "2", "0", "none", "z"])

    def test_unchanged(self):
        """What is not changed stays as it came, folds and odd lines included."""
        lines = ["Subject:  odd\t", " folded", "no header at all", "X-\xe9: \xe9", "To:a", "", "x"]
        session = self.session(each='AddHeader("X-New", "v");')
        self.deliver(session, message=[*lines, "."])
        self.assertEqual(self.message(session), "\r\n".join(["X-New: v", *lines]) + "\r\n")

    def test_no_header(self):
        """A message without one, and one without a body."""
        for message, expected in ((["", "Hello"], "X: y\r\n\r\nHello\r\n"),
                                  (["A: b"], "X: y\r\nA: b\r\n\r\n"),
                                  ([], "X: y\r\n\r\n")):  # fmt: skip
            session = self.session(each='AddHeader("X", "y");')
            self.deliver(session, message=[*message, "."])
            self.assertEqual(self.message(session), expected)

    def test_encoding_and_folding(self):
        """A value is encoded and folded, unless it is not to be touched."""
        self.assertIn("X: =?utf-8?b?Y2Fmw6k=?=", self.header('AddHeader("X", "caf\\xc3\\xa9");'))
        [first, second, *_] = self.header('AddHeader("X", "word " . str_repeat("x", 75));')
        self.assertEqual((first, second[:4]), ("X: word", " xxx"))
        [first, *_] = self.header('AddHeader("X", "word " . str_repeat("x", 75), false);')
        self.assertEqual(len(first), 83)

    def test_injection(self):
        """A value can not start another header, and no name can."""
        self.assertIn("X: a B: c", self.header('AddHeader("X", "a\\r\\nB: c");'))
        for call, words in (
            ('AddHeader("X", "a\\r\\nB: c", false);',
             'AddHeader() parameter "value" must not have line ends or NUL'),
            ('SetHeader("X: y", "z");',
             'SetHeader() parameter "name" is no header name: "X: y"'),
            ("GetHeaders(false);",
             'GetHeaders() parameter "name" must be a string or true, false given'),
        ):  # fmt: skip
            session, said = self.each(call)
            self.assertEqual(said, [TROUBLE])
            self.assert_fault(session, words)

    def test_bounded(self):
        """A script can not make a header without end, and does not read one."""
        session, _ = self.each(
            'for ($i = 0; $i < 100; $i++) AddHeader("X", str_repeat("word ", 10000));'
        )
        self.assert_fault(session, "the header may have at most 262144 octets")
        session, _ = self.each('for ($i = 0; $i < 10000; $i++) AddHeader("X", "y");')
        self.assert_fault(session, "the header may have at most 10000 fields")
        session, _ = self.each(
            'for ($i = 0; $i < 9; $i++) AddHeader("X", "y");'
            'SetHeader("X", str_repeat("word ", 10000));'
        )
        self.assert_fault(session, "the header may have at most 262144 octets")

    def test_long_headers(self):
        """A header that no honest client sends is not read."""
        for line, count, words in (
            ("X: " + "y" * 900, 400, "the header has more than 262144 octets"),
            ("X:", 10_001, "the header has more than 10000 lines"),
        ):
            session = self.session(each='GetHeader("X");')
            self.deliver(session, message=[*([line] * count), "", "."])
            self.assert_fault(session, words)

    def test_many_headers(self):
        """A header for each recipient is kept only as far as there is room for all."""
        self.patch(letter, "MOST_HEADERS", 200)
        session, said = self.each('AddHeader("X-To", $recipient); $x = $recipient;', AL, BO)
        self.assertEqual(said, ["250 2.0.0 OK 1"])
        self.assertEqual(len(session.mail), 2)
        session = self.session(each='AddHeader("X-To", $recipient);')
        said = self.deliver(session, AL, BO, "RCPT TO:<cy@example.com>")
        self.assertEqual(said, [TROUBLE])
        self.assert_fault(session, "the headers of all copies may have at most 200 octets")
        session, said = self.each('AddHeader("X", "the same");', *[AL, BO] * 5)
        self.assertEqual(len(session.mail), 1)
