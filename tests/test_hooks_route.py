"""GetRoute: the way of a message by its Received fields, however they were written."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks import route
from smtpgate.hsl.values import Map
from smtpgate.smtp.mail.received import received
from smtpgate.smtp.session import Connection, ServerSettings
from tests.support.endofdata import EndOfDataTestCase
from tests.support.smtp import TLS

DATE = "Tue, 1 Oct 2019 10:00:00 +0200"
TIME = 1569916800.0


class HopTests(SynchronousTestCase):
    """One field."""

    def test_servers(self):
        """What the servers of this world write about a client."""
        for value, helo, pointer, address in (
            ("from a.example (b.example [192.0.2.1]) by c", "a.example", "b.example", "192.0.2.1"),
            ("from a.example (unknown [192.0.2.1])", "a.example", None, "192.0.2.1"),
            ("from a.example ([192.0.2.1])", "a.example", None, "192.0.2.1"),
            ("from [192.0.2.9] (b.example. [192.0.2.1]:4711)", "[192.0.2.9]", "b.example",
             "192.0.2.1"),
            ("from b.example ([192.0.2.1] helo=a.example)", "a.example", "b.example", "192.0.2.1"),
            ("from [192.0.2.1] (helo=a.example)", "a.example", None, "192.0.2.1"),
            ("from b.example (HELO a.example) (192.0.2.1)", "a.example", "b.example", "192.0.2.1"),
            ("from b.example (HELO [203.0.113.9]) (192.0.2.1)", "[203.0.113.9]", "b.example",
             "192.0.2.1"),
            ("from a (b.example [IPv6:2001:DB8:0::1]) by c", "a", "b.example", "2001:db8::1"),
            ("from a (2001:db8::1)", "a", None, "2001:db8::1"),
            ("from a (jo@b.example [192.0.2.1] (may be forged))", "a", "b.example", "192.0.2.1"),
            ("from a (b.example\t[192.0.2.1]) (Authenticated sender: jo)", "a", "b.example",
             "192.0.2.1"),
            ("from a (b.example [192.0.2.999]) (c.example [192.0.2.1])", "a", "c.example",
             "192.0.2.1"),
            ("from a (b [1.2.3.4%eth0])", "a", None, None),
            ("by c (c at c.example) id 1", None, None, None),
            ("(from jo@localhost) by c", None, None, None),
        ):  # fmt: skip
            found = route.hop(value, False)
            self.assertEqual(
                (found.get("helo"), found.get("ptr"), found.get("ip")),
                (helo, pointer, address),
                value,
            )

    def test_clauses(self):
        """The rest of the field; the less usual ones only when they are asked for."""
        value = (
            "from a (b [192.0.2.1]) by c.example (Server 1.0) via TCP with ESMTPS"
            f" id 4711 for <al@example.com>; {DATE}"
        )
        expected = {"helo": "a", "ptr": "b", "ip": "192.0.2.1", "by": "c.example", "ts": TIME}
        self.assertEqual(route.hop(value, False), expected)
        expected |= {"via": "TCP", "with": "ESMTPS", "id": "4711", "for": "al@example.com"}
        self.assertEqual(route.hop(value, True), {**expected, "value": value})

    def test_case(self):
        """The words of the clauses in any case; each counts once."""
        found = route.hop("FROM a BY b WITH SMTP by c with d", True)
        self.assertEqual((found["helo"], found["by"], found["with"]), ("a", "b", "SMTP"))

    def test_too_long(self):
        """A field that no server has written says nothing."""
        value = "from a (b [192.0.2.1])" + " " * 9000
        self.assertEqual(route.hop(value, False), {})
        self.assertEqual(route.hop(value, True), {"value": value})

    def test_odd(self):
        """What can not be read is not there."""
        for value in ("", ";", "(", ")", "((((", "from", "from by with id for", "\\", '"', "from ;",
                      "by\\", ";" * 1000, "from (by) by"):  # fmt: skip
            found = route.hop(value, False)
            self.assertEqual({**found, "by": None}, {"by": None}, value)

    def test_quoted(self):
        """Parentheses and semicolons in quotes and behind a backslash are text."""
        found = route.hop('from "a;(b" (c\\)d [192.0.2.1]) by "x y" id 1\\;2; ' + DATE, True)
        self.assertEqual(
            (found["helo"], found["ip"], found["by"], found["id"], found["ts"]),
            ('"a;(b"', "192.0.2.1", '"x y"', "1\\;2", TIME),
        )

    def test_dates(self):
        """The last semicolon counts; what is no date is no time."""
        self.assertEqual(route.hop(f"by a; once; {DATE} (CEST)", False)["ts"], TIME)
        self.assertEqual(route.hop(f"by a (with; a ; in it); {DATE}", False)["ts"], TIME)
        for date in (
            "", "yesterday", "99", "1 2 3 4 5 6 7", "Tue, 99 Oct 2019 10:00:00 +0200",
            "Tue, 1 Oct 999999999 10:00:00 +0000", DATE + " " * 200,
        ):  # fmt: skip
            self.assertNotIn("ts", route.hop(f"by a; {date}", False), date)

    def test_own(self):
        """The field that this server writes is read back."""
        connection = Connection("in", "2001:db8::1", peer_ptr="b.example", helo="a.example",
                                helo_verb="EHLO", tls=TLS)  # fmt: skip
        field = received(connection, ServerSettings("in", "gw.example"), TIME).decode()
        value = re.sub(r"\r\n(?=[ \t])", "", field.partition(": ")[2]).rstrip()
        self.assertEqual(
            route.hop(value, True),
            {
                "helo": "a.example", "ptr": "b.example", "ip": "2001:db8::1", "by": "gw.example",
                "ts": TIME, "with": "ESMTPS", "id": connection.transaction.id, "value": value,
            },
        )  # fmt: skip

    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(st.lists(st.sampled_from(
        ["from", "by", "for", "(", ")", "[", "]", ";", '"', "\\", " ", "a.example", "192.0.2.1",
         "HELO ", "IPv6:", "::1", DATE, "\xff", "<", ">", "@"]), max_size=40))  # fmt: skip
    def test_anything(self, words):
        """Whatever stands there: strings by name, one time, and nothing raised."""
        found = route.hop("".join(words), True)
        self.assertIsInstance(found, Map)
        self.assertLessEqual(
            set(found),
            {"helo", "ptr", "ip", "by", "ts", "via", "with", "id", "for", "value"},
        )
        self.assertEqual({type(found[name]) for name in found} - {str, float}, set())

    def test_long(self):
        """A long field takes as many steps as it has octets: this would take hours otherwise."""
        self.patch(route, "LONGEST_FIELD", 1_000_000)
        for part in ("(", "from ", "a;", "\\", '"', "[1.", "HELO ", "a", " ", "a [", '"\\'):
            route.hop("from a (b " + part * (100_000 // len(part)), True)
            route.hop("from " + part * (100_000 // len(part)), True)


class GetRouteTests(EndOfDataTestCase):
    """The function, at both hooks."""

    MESSAGE = [
        "Received: from b.example (b.example [192.0.2.2])",
        f"\tby gw.example with ESMTP; {DATE}",
        "Subject: x",
        "Received: odd",
        "received: from a.example ([192.0.2.1]) by b.example",
        "",
        "Received: from the.body (x [192.0.2.3])",
        ".",
    ]
    EXPECTED = (
        '[{"helo":"b.example","ptr":"b.example","ip":"192.0.2.2","by":"gw.example",'
        '"ts":1569916800},[],{"helo":"a.example","ip":"192.0.2.1","by":"b.example"}]'
    )

    def test_newest_first(self):
        """Those of the header, from the top; one that says nothing is an empty array."""
        for hook in ("once", "each"):
            session = self.session(**{hook: "echo json_encode(GetRoute()); Accept();".replace(
                "Accept", "Accept" if hook == "once" else "Deliver")})  # fmt: skip
            self.deliver(session, message=self.MESSAGE)
            self.assertEqual(session.errors, [])
            self.assertEqual(session.echoed, [self.EXPECTED])

    def test_extended(self):
        """With true the value of the field itself is there, unfolded."""
        session = self.session(each='$r = GetRoute(true); echo $r[0]["value"]; echo $r[0]["with"];')
        self.deliver(session, message=self.MESSAGE)
        self.assertEqual(
            session.echoed,
            [f"from b.example (b.example [192.0.2.2])\tby gw.example with ESMTP; {DATE}", "ESMTP"],
        )

    def test_many(self):
        """Only so many are read: an honest message has few."""
        session = self.session(each="echo count(GetRoute());")
        self.deliver(session, message=[*["Received: by a"] * 150, "", "."])
        self.assertEqual(session.echoed, ["100"])

    def test_none(self):
        """A message that comes straight from its author has no way behind it."""
        session, _ = self.each("echo count(GetRoute());")
        self.assertEqual(session.echoed, ["0"])
