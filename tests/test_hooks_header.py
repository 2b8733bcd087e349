"""The header in a script's hands: kept octet for octet, read in linear time."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks.header import Header

LINES = st.lists(
    st.one_of(
        st.binary(max_size=30).map(lambda octets: octets.replace(b"\n", b"")),
        st.sampled_from([b"Subject: x", b" folded", b"\t", b"A:", b":", b"A : =?a?q?b?="]),
    ),
    max_size=12,
)  # fmt: skip


def joined(lines):
    return b"".join(line + b"\r\n" for line in lines)


class HeaderTests(SynchronousTestCase):
    """Header."""

    @settings(deadline=None, derandomize=True)
    @given(LINES)
    def test_kept(self, lines):
        """Whatever it is, it stays as it came; what is added stands on top."""
        octets = joined(lines)
        header = Header(octets)
        self.assertEqual(header.octets(), octets)
        list(header.fields(True))
        header.add("AddHeader", "X-New", "v", True)
        self.assertEqual(header.octets(), b"X-New: v\r\n" + octets)
        self.assertEqual(header.delete("x-new"), 1 + Header(octets).delete("x-new"))

    @settings(deadline=None, derandomize=True)
    @given(LINES, st.text(st.characters(max_codepoint=255), max_size=40))
    def test_set(self, lines, value):
        """A value that is set is the only thing that changes, and it makes no other field."""
        header = Header(joined(lines))
        others = [field for field in header.fields(False) if field[:7].lower() != "subject"]
        count = header.set("SetHeader", "Subject", value, True)
        made = Header(header.octets())
        self.assertEqual(len(list(made.values("Subject", True))), count)
        left = [field for field in made.fields(False) if field[:7].lower() != "subject"]
        self.assertEqual(left, others)

    def test_copy(self):
        """A copy is changed on its own."""
        header = Header(b"A: b\r\n")
        copied = header.copy()
        copied.set("SetHeader", "A", "c", True)
        self.assertEqual((header.octets(), header.changed), (b"A: b\r\n", False))
        self.assertEqual((copied.octets(), copied.changed), (b"A: c\r\n", True))
