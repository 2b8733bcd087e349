"""What is worked on in parts gives what it would give in one go."""

from __future__ import annotations

import base64
import csv
import hashlib
import hmac
import re
from email import message_from_bytes
from io import StringIO
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.formats import domains, jsontext
from smtpgate.hsl.formats.csvrows import LongRows
from smtpgate.hsl.formats.csvtext import decode as csv_decode
from smtpgate.hsl.formats.packing import pack, unpack
from smtpgate.hsl.library import crypto, dkim, encoding, mail, mime, regex, string
from smtpgate.hsl.limits.turns import LONG, MANY
from smtpgate.hsl.values import Map
from tests.support.library import call
from tests.support.pauses import counted

_LETTERS = st.text("ab", max_size=60)
_DELIMITERS = st.text("ab", min_size=1, max_size=4)


class StringTests(SynchronousTestCase):
    """Splitting, replacing and stripping, with parts of a few octets."""

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(_LETTERS, _DELIMITERS, st.text("abc", max_size=5), st.integers(1, 9))
    def test_split_and_replace(self, subject: str, search: str, replace: str, size: int) -> None:
        """Matches that lie across two parts are found, and overlap as they did."""
        with patch("smtpgate.hsl.library.string.LONG", size):
            self.assertEqual(
                call(string.str_replace, search, replace, subject),
                subject.replace(search, replace),
            )
            self.assertEqual(call(string.str_split, subject, search), subject.split(search))

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(st.text(" \t\r\nx", max_size=40), st.integers(1, 9))
    def test_strip(self, subject: str, size: int) -> None:
        """Both ends are found, also where there is nothing between them."""
        with patch("smtpgate.hsl.library.string.LONG", size):
            self.assertEqual(call(string.str_strip, subject), subject.strip())
        padded = " " * LONG + subject + "\r\n" * LONG
        self.assertEqual(call(string.str_strip, padded), subject.strip())

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(_LETTERS, st.text("ab", max_size=4), st.integers(0, 70), st.integers(1, 9))
    def test_find(self, subject: str, wanted: str, offset: int, size: int) -> None:
        """From both ends, what lies across two parts is found, and nothing that is left out."""
        with (
            patch("smtpgate.hsl.library.string._PART", size),
            patch("smtpgate.hsl.library.string._BACKWARDS", 0),
        ):
            self.assertEqual(
                call(string.str_find, subject, wanted, offset), subject.find(wanted, offset)
            )
            end = len(subject) - offset
            self.assertEqual(
                call(string.str_rfind, subject, wanted, offset),
                subject.rfind(wanted, 0, end) if end >= 0 else -1,
            )

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(_LETTERS, _DELIMITERS, st.integers(1, 7), st.integers(0, 99))
    def test_split_off(self, subject: str, delimiter: str, limit: int, backwards: int) -> None:
        """With a limit the rest is in the last part, or in the first one."""
        with (
            patch("smtpgate.hsl.library.string.LONG", 0),
            patch("smtpgate.hsl.library.string._PART", 5),
            patch("smtpgate.hsl.library.string._BACKWARDS", backwards),
        ):
            self.assertEqual(
                call(string.str_split, subject, delimiter, limit),
                subject.split(delimiter, limit - 1),
            )
            self.assertEqual(
                call(string.str_split, subject, delimiter, -limit),
                subject.rsplit(delimiter, limit - 1),
            )

    def test_backwards(self) -> None:
        """The time from the end is that from the begin, also where Python's own is quadratic."""
        subject = "x" * 4_000_000
        wanted = "xy" + "x" * 400_000
        with counted() as counter:
            self.assertEqual(call(string.str_rfind, subject, wanted), -1)
            self.assertEqual(call(string.str_split, subject, wanted, -3), [subject])
            self.assertEqual(call(string.str_find, subject, "y" * 9), -1)
        self.assertGreater(counter.pauses, 6)

    def test_split_off_too_many(self) -> None:
        """No more parts than an array may have."""
        for limit in (2_000_000, -2_000_000):
            with self.assertRaises(Fault) as caught:
                call(string.str_split, "," * 1_500_000, ",", limit)
            self.assertIn("an array may have at most 1000000 items", str(caught.exception))

    def test_too_long(self) -> None:
        """The limit of a string is found out on the way."""
        with self.assertRaises(Fault) as caught:
            call(string.str_replace, "a", "bbbb", "a" * 5_000_000)
        self.assertIn("a string may have at most 16777216 octets", str(caught.exception))


class EncodingTests(SynchronousTestCase):
    """Encodings, with what counts on the border of two parts."""

    #: Texts of which something lies across the first border, shifted octet by octet.
    SHIFTS = range(-4, 5)

    def test_url(self) -> None:
        """An escape is not torn apart, and what is none stays."""
        for shift in self.SHIFTS:
            start = "x" * (LONG + shift)
            for text in ("%41%42+", "%%41", "%4", "%", "%%%41%", "%zz%41"):
                plain = re.sub(
                    "%([0-9A-Fa-f]{2})", lambda m: chr(int(m[1], 16)), text.replace("+", " ")
                )
                for end in ("", "y" * LONG):
                    self.assertEqual(
                        call(encoding.urldecode, start + text + end), start + plain + end
                    )
            octets = start + "\xff /\0" + "y" * LONG
            self.assertEqual(call(encoding.urlencode, octets), start + "%FF%20%2F%00" + "y" * LONG)
        self.assertEqual(call(encoding.urldecode, "%" * (3 * LONG)), "%" * (3 * LONG))

    def test_base64(self) -> None:
        """Groups are whole in every part."""
        for shift in self.SHIFTS:
            octets = bytes(number % 251 for number in range(3 * LONG + shift))
            text = base64.b64encode(octets).decode("ascii")
            self.assertEqual(call(encoding.base64_encode, octets.decode("latin-1")), text)
            for written in (text, "\r\n".join(re.findall(".{1,76}", text)), text.rstrip("=")):
                self.assertEqual(call(encoding.base64_decode, written), octets.decode("latin-1"))

    def test_quote(self) -> None:
        """Each character is quoted by itself."""
        text = "a." * LONG + "\0"
        self.assertEqual(call(regex.pcre_quote, text), "a\\." * LONG + "\\x00")

    def test_json(self) -> None:
        """Characters of several octets lie across borders; so do escapes of two units."""
        for shift in self.SHIFTS:
            text = "x" * (LONG + shift) + "\u20ac\U0001f600\n" + "\xe9" * LONG
            octets = text.encode().decode("latin-1")
            for ascii_only in (True, False):
                written = jsontext.encode([octets], ensure_ascii=ascii_only)
                self.assertEqual(jsontext.decode(written), [octets])
                self.assertEqual(written.isascii(), ascii_only)
        for wrong in ("x" * LONG + "\xe2\x82", "\xff" + "x" * LONG):
            self.assertRaises(jsontext.JSONError, jsontext.encode, wrong)
            self.assertRaises(jsontext.JSONError, jsontext.decode, f'["{wrong}"]')

    def test_json_values(self) -> None:
        """A long text has the values that a short one has."""
        value: Any = [[1.0, "a", None, True, [-2.5]], ["\xc3\xa9", []]]
        many = [value[number % 2] for number in range(3 * MANY)]
        self.assertEqual(jsontext.decode(jsontext.encode(many)), many)
        self.assertEqual(jsontext.decode(jsontext.encode(many, pretty=True)), many)
        members = ",".join(f'"k{number}": {number}' for number in range(3 * MANY))
        self.assertEqual(
            jsontext.decode(f"{{{members}}}"),
            {f"k{number}": float(number) for number in range(3 * MANY)},
        )

    def test_json_brackets(self) -> None:
        """Brackets and commas in strings do not count, others do."""
        quiet = '["' + "[,{" * 1_200_000 + '"]'
        self.assertEqual(len(jsontext.decode(quiet)[0]), 3_600_000)
        with self.assertRaises(jsontext.JSONError) as deep:
            jsontext.decode("[" * 101 + "]" * 101)
        self.assertEqual(str(deep.exception), "nested too deeply")
        self.assertEqual(jsontext.decode("[" + "[]," * 200 + "[]]"), [[]] * 201)
        with self.assertRaises(Fault) as wide:
            jsontext.decode("[" + "1," * 1_000_000 + "1]")
        self.assertEqual(
            str(wide.exception),
            "an array may have at most 1000000 items, this one would have 1000001",
        )

    def test_csv(self) -> None:
        """Rows are counted by their cells, and a long cell is quoted whole."""
        text = "\n".join(f"{number},x" for number in range(2 * MANY))
        with counted() as counter:
            rows = csv_decode("csv_decode", text, header=False)
        self.assertEqual(rows, [[str(number), "x"] for number in range(2 * MANY)])
        self.assertEqual(counter.pauses, 4)
        cell = 'say "' * LONG
        written = call(encoding.csv_encode, [cell, "b"])
        self.assertEqual(csv_decode("csv_decode", written, header=False), [[cell, "b"]])

    @settings(max_examples=500, deadline=None, derandomize=True)
    @given(st.text('a",;\r\n\v', max_size=30), st.sampled_from(",;a"), st.integers(2, 9))
    def test_csv_rows(self, text: str, delimiter: str, size: int) -> None:
        """The rows of a long text, and their lines, are those of a short one."""
        reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
        expected = [(row, reader.line_num) for row in reader if row]
        with (
            patch("smtpgate.hsl.formats.csvrows.LONG", size),
            patch("smtpgate.hsl.formats.csvrows.MANY", 3),
        ):
            rows = LongRows(text, delimiter)
            self.assertEqual([(row, rows.line_num) for row in rows], expected)

    def test_csv_long(self) -> None:
        """A long cell and a long row are read in parts, and the line of a mistake is known."""
        for cell in ("x" * 20, '"' + "x\n" * 9 + '"', '""' * 30):
            text = cell * LONG
            with counted() as counter:
                (row,) = csv_decode("csv_decode", text, header=False)
            with patch("smtpgate.hsl.formats.csvtext.LONG", len(text)):
                before = csv.field_size_limit(len(text))
                self.addCleanup(csv.field_size_limit, before)
                self.assertEqual([row], csv_decode("csv_decode", text, header=False))
            self.assertGreater(counter.pauses, 15)
        wide = "a," * (20 * MANY) + "a"
        with counted() as counter:
            (row,) = csv_decode("csv_decode", f"{wide}\n{wide}")
        self.assertEqual(row, {"a": "a"})
        self.assertGreater(counter.pauses, 50)
        schema = Map(a=Map(type="number"))
        with self.assertRaises(Fault) as caught:
            csv_decode("csv_decode", "a\r\n" + "1\r\n" * LONG + "x\r\n", schema=schema)
        self.assertEqual(
            str(caught.exception), 'csv_decode() line 65538, column "a": "x" is no number'
        )

    def test_pack(self) -> None:
        """Numbers are packed and unpacked in the same order."""
        numbers = [float(number % 65_536) for number in range(2 * MANY + 7)]
        octets = pack("n*", numbers)
        self.assertEqual(unpack("n*", octets), numbers)
        digits = "0123456789abcdef" * (LONG // 4) + "a"
        octets = pack("H*", [digits])
        for count in ("*", len(digits), len(digits) - 1):
            with counted() as counter:
                found = unpack(f"H{count}", octets)
            self.assertEqual(found, [digits + "0" if count == "*" else digits[:count]])
            self.assertGreater(counter.pauses, 1)
        self.assertEqual(octets, bytes.fromhex(digits + "0").decode("latin-1"))

    def test_digests(self) -> None:
        """The digest of a long message is that of its octets, and takes several turns."""
        message = "\xff\0a" * 1_200_000
        octets = message.encode("latin-1")
        for function, arguments, name in (
            (crypto.md5, (), "md5"), (crypto.sha1, (), "sha1"), (crypto.sha2, (512,), "sha512"),
        ):  # fmt: skip
            with counted() as counter:
                self.assertEqual(
                    call(function, message, *arguments), hashlib.new(name, octets).hexdigest()
                )
            self.assertGreater(counter.pauses, 2)
        with counted() as counter:
            self.assertEqual(
                call(crypto.hmac_sha1, "key", message), hmac.digest(b"key", octets, "sha1").hex()
            )
        self.assertGreater(counter.pauses, 2)
        with counted() as counter:
            self.assertEqual(
                call(crypto.hmac_sha2, message, "abc", 512),
                hmac.digest(octets, b"abc", "sha512").hex(),
            )
        self.assertGreater(counter.pauses, 2)

    def test_addresses(self) -> None:
        """A long list of addresses is read with turns for others, what is too long is not."""
        many = ", ".join(f"jo{number} (x)(y) <jo{number}@example.org>" for number in range(2000))
        for text, least in ((many, 8), ("(" * 60_000 + ")" * 60_000, 50)):
            with counted() as counter:
                found = call(mail.header_addresslist_extract, text)
            self.assertEqual(len(found), len(re.findall("<", text)))
            self.assertGreater(counter.pauses, least)
        for text in ("a@example.org," * 20_000, "a=b" + " " * 200_000):
            self.assertIsNone(call(mail.header_addresslist_extract, text))
            self.assertIsNone(call(mail.header_dkim_decode, text))

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.text("\r\n\t a", max_size=30), st.integers(1, 9))
    def test_mime_lines(self, text: str, size: int) -> None:
        """Line ends are whole in every part, and so is the white space that DKIM makes one."""
        octets = text.encode()
        with (
            patch("smtpgate.hsl.library.mime.LONG", size),
            patch("smtpgate.hsl.library.dkim.LONG", size),
        ):
            self.assertEqual(mime._with_line_ends(text), re.sub("\r\n|\r|\n", "\r\n", text))
            self.assertEqual(
                dkim._single_spaces(octets),
                re.sub(rb"[ \t]+", b" ", octets).replace(b" \r\n", b"\r\n"),
            )

    def test_mime(self) -> None:
        """A long body is encoded and signed with turns for others."""
        body = "caf\xe9 \r\n" * 400_000
        for encoding_field, least in (("", 50), ("8bit", 80)):
            part = mime.MIME()
            part.add("addHeader()", "From", "jo@example.org", True)
            if encoding_field:
                part.add("addHeader()", "Content-Transfer-Encoding", encoding_field, True)
            part.body = body
            key = dkim.load_key("k" * 32, "ed25519-sha256")
            names = ("from",)
            part.signers.append(
                dkim.Signer("s", "example.org", key, "ed25519-sha256", True, True, names, names)
            )
            with counted() as counter:
                text = part.finished(0.0)
            self.assertGreater(counter.pauses, least)
            parsed = message_from_bytes(text.encode("latin-1"))
            self.assertEqual(parsed.get_payload(decode=True), body.encode("latin-1"))
            wire = text.encode("latin-1").partition(b"\r\n\r\n")[2]
            relaxed = re.sub(rb"[ \t]+", b" ", wire).replace(b" \r\n", b"\r\n")
            digest = base64.b64encode(hashlib.sha256(relaxed).digest()).decode()
            self.assertIn(f"bh={digest};", text)

    def test_mime_too_long(self) -> None:
        """What would be too long in Base64 is not encoded."""
        part = mime.MIME()
        part.body = "x" * 13_000_000
        with counted() as counter, self.assertRaises(Fault) as caught:
            part.finished(0.0)
        self.assertEqual(
            str(caught.exception),
            "a string may have at most 16777216 octets, this one would have 17789478",
        )
        self.assertEqual(counter.pauses, 0)

    def test_ciphers(self) -> None:
        """A long message is encrypted in parts, and comes back."""
        key, vector = "k" * 32, Map(iv="v" * 16)
        for length in (3 * 1024 * 1024, 3 * 1024 * 1024 + 5):
            message = ("caf\xe9" * length)[:length]
            with counted() as counter:
                sealed = call(crypto.aes_encrypt, message, key, "cbc", vector)
                opened = call(crypto.aes_decrypt, sealed, key, "cbc", vector)
            self.assertEqual(opened, message)
            self.assertEqual(len(sealed), length // 16 * 16 + 16)
            self.assertGreater(counter.pauses, 5)
            bare = Map(vector, padding=False)
            self.assertEqual(
                call(crypto.aes_encrypt, message[: length // 16 * 16], key, "cbc", bare),
                sealed[: length // 16 * 16],
            )

    def test_case(self) -> None:
        """Letters of long strings change in parts, other octets stay."""
        text = "aZ\xe9\xc9" * LONG
        with counted() as counter:
            self.assertEqual(call(string.str_lower, text), "az\xe9\xc9" * LONG)
            self.assertEqual(call(string.str_upper, text), "AZ\xe9\xc9" * LONG)
        self.assertGreater(counter.pauses, 6)

    def test_domain(self) -> None:
        """What is far too long for a domain name is not looked at."""
        for function in (domains.encode, domains.decode):
            error = self.assertRaises(domains.DomainError, function, "a." * 2049)
            self.assertEqual(str(error), "the name is too long")
