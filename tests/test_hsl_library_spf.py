"""spf_query(): RFC 7208 on records in memory."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater
from twisted.names import dns
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import FUNCTIONS
from smtpgate.hsl.library.resolving import NO_DATA, TRY_AGAIN, Answer
from tests.support.library import Running as Stub
from tests.support.library import call, options
from tests.support.nameserver import Running, Zone, serve_zone
from tests.support.network import Names


def txt(*policies):
    return tuple((policy.encode("latin-1"),) for policy in policies)


RECORDS = {
    ("all.example", "TXT"): txt("some text", "v=spf1 -all"),
    ("plus.example", "TXT"): txt("v=spf1 +all"),
    ("soft.example", "TXT"): txt("v=spf1 ~all"),
    ("neutral.example", "TXT"): txt("v=spf1 ?all"),
    ("twice.example", "TXT"): txt("v=spf1 -all", "v=spf1 +all"),
    ("typo.example", "TXT"): txt("v=spf1 ipv4:192.0.2.1 -all"),
    ("net.example", "TXT"): txt("v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"),
    ("hosts.example", "TXT"): txt("v=spf1 a mx -all"),
    ("hosts.example", "A"): ("192.0.2.1",),
    ("hosts.example", "AAAA"): ("2001:db8::1",),
    ("hosts.example", "MX"): ((10, "mx.hosts.example"),),
    ("mx.hosts.example", "A"): ("192.0.2.2",),
    ("include.example", "TXT"): txt("v=spf1 include:net.example -all"),
    ("redirect.example", "TXT"): txt("v=spf1 redirect=net.example"),
    ("macro.example", "TXT"): txt("v=spf1 exists:%{ir}.%{v}._spf.macro.example -all"),
    ("1.2.0.192.in-addr._spf.macro.example", "A"): ("127.0.0.2",),
    ("ptr.example", "TXT"): txt("v=spf1 ptr -all"),
    ("1.2.0.192.in-addr.arpa", "PTR"): ("mail.ptr.example",),
    ("mail.ptr.example", "A"): ("192.0.2.1",),
    ("loop.example", "TXT"): txt("v=spf1 include:loop.example -all"),
    ("later.example", "TXT"): Answer(error=TRY_AGAIN),
    ("empty.example", "TXT"): Answer(error=NO_DATA),
    ("octets.example", "TXT"): txt("v=spf1 include:caf\xc3\xa9.example -all"),
    ("explained.example", "TXT"): txt("v=spf1 -all exp=why.explained.example"),
    ("why.explained.example", "TXT"): txt("%{i} \xff"),
}

#: Good mechanisms, and ones that are wrong in some way.
POLICY = (
    "a mx ptr -all +all ip4:192.0.2.0/33 ip6:: include: include:%{d} exists:%{x} a:%{ "
    "redirect=%{s} a/8 a//8 exp= exp=%{h} x=y ip4: all: %% a:. include:. \xff"
)


def check(ip, domain, helo="mail.example.com", records=RECORDS, given=None):
    """The result for a client and a domain."""
    running = Stub(resolver=Names(records))
    running.wait = running.settle
    arguments = [ip, helo, domain] + ([] if given is None else [given])
    return call(FUNCTIONS["spf_query"], *arguments, running=running)["result"]


class ResultTests(SynchronousTestCase):
    """Each result, and each mechanism."""

    def test_results(self):
        """What policies say about 192.0.2.1."""
        for domain, expected in (
            ("all.example", "fail"),
            ("plus.example", "pass"),
            ("soft.example", "softfail"),
            ("neutral.example", "neutral"),
            ("nobody.example", "none"),
            ("empty.example", "none"),
            ("later.example", "temperror"),
            ("twice.example", "permerror"),
            ("typo.example", "permerror"),
            ("loop.example", "permerror"),
            ("octets.example", "permerror"),
            ("net.example", "pass"),
            ("hosts.example", "pass"),
            ("include.example", "pass"),
            ("redirect.example", "pass"),
            ("macro.example", "pass"),
            ("ptr.example", "pass"),
            ("explained.example", "fail"),
            ("NET.Example", "pass"),
        ):
            self.assertEqual(check("192.0.2.1", domain), expected, domain)

    def test_addresses(self):
        """Other clients, of both families."""
        for ip, domain, expected in (
            ("198.51.100.1", "net.example", "fail"),
            ("192.0.2.2", "hosts.example", "pass"),
            ("192.0.2.3", "hosts.example", "fail"),
            ("2001:db8::1", "hosts.example", "pass"),
            ("2001:db8::2", "hosts.example", "fail"),
            ("2001:db8::9", "net.example", "pass"),
            ("::ffff:192.0.2.9", "net.example", "pass"),
            ("198.51.100.1", "macro.example", "fail"),
            ("somebody", "net.example", "invalid"),
            ("", "net.example", "invalid"),
            ("list", "net.example", "invalid"),
        ):
            self.assertEqual(check(ip, domain), expected, (ip, domain))

    def test_bounce(self):
        """Without a sender the HELO name is checked."""
        self.assertEqual(check("192.0.2.1", "", "net.example"), "pass")
        self.assertEqual(check("192.0.2.1", "", "all.example"), "fail")
        self.assertEqual(check("192.0.2.1", "", "[192.0.2.1]"), "none")
        self.assertEqual(check("192.0.2.1", "", ""), "none")

    def test_no_domains(self):
        """What is no domain has no policy."""
        for domain in ("a..b", "\xff", "x" * 64 + ".example", "." * 300):
            self.assertEqual(check("192.0.2.1", domain), "none", domain)

    def test_many_lookups(self):
        """Ten mechanisms may ask (RFC 7208 4.6.4)."""
        records = dict(RECORDS)
        for count, expected in ((10, "pass"), (11, "permerror")):
            names = [f"a:h{number}.example" for number in range(count)]
            records["many.example", "TXT"] = txt(f"v=spf1 {' '.join(names)} +all")
            for number in range(count):
                records[f"h{number}.example", "A"] = ("198.51.100.1",)
            self.assertEqual(check("192.0.2.1", "many.example", records=records), expected)

    def test_mistakes(self):
        """Each is an error that names the option."""
        for wrong, message in (
            (
                options(timeout=0.0),
                'spf_query() option "timeout" must be more than 0 seconds and finite, 0 given',
            ),
            (
                options(servers=["x"]),
                'spf_query() option "servers" must have IP addresses, with a port or without',
            ),
        ):
            error = self.assertRaises(Fault, check, "192.0.2.1", "net.example", given=wrong)
            self.assertEqual(str(error), message)

    @settings(deadline=None, derandomize=True, max_examples=150)
    @given(
        st.lists(
            st.sampled_from(POLICY.split()),
            max_size=4,
        )
    )
    def test_any_policy(self, mechanisms):
        """Whatever a policy says there is a result."""
        records = {("any.example", "TXT"): txt("v=spf1 " + " ".join(mechanisms))}
        self.assertIn(
            check("192.0.2.1", "any.example", records=records),
            {"pass", "fail", "softfail", "neutral", "none", "permerror", "temperror"},
        )


class ServerTests(TestCase):
    """With a name server, and scripts side by side."""

    def test_side_by_side(self):
        """Each script gets its own answers, though their questions alternate."""
        zone = Zone(
            [
                ("one.example", dns.Record_TXT(b"v=spf1 include:list.example -all")),
                ("two.example", dns.Record_TXT(b"v=spf1 include:nobody.example ~all")),
                ("list.example", dns.Record_TXT(b"v=spf1 ip4:192.0.2.1 -all")),
            ]
        )
        delayed = zone.query
        zone.query = lambda query, timeout=None: deferLater(reactor, 0.01, delayed, query)
        address = serve_zone(self, zone)

        def run(ip, domain):
            return Running(
                f'echo spf_query("{ip}", "h.example", "{domain}", ["servers" => ["{address}"]]);'
            )

        runs = [
            run("192.0.2.1", "one.example"),
            run("192.0.2.1", "two.example"),
            run("192.0.2.2", "one.example"),
        ]

        async def compare():
            await gatherResults([each.ended for each in runs])
            self.assertEqual(
                [each.lines for each in runs],
                [['["result"=>"pass"]'], ['["result"=>"permerror"]'], ['["result"=>"fail"]']],
            )

        return ensureDeferred(compare())
