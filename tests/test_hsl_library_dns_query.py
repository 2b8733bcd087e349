"""dns_query() and dnsbl(): questions to name servers on loopback."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, ensureDeferred
from twisted.internet.task import Clock, deferLater
from twisted.names import dns
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smtpgate.hsl.errors import Fault, ScriptCancelled
from smtpgate.hsl.library import FUNCTIONS
from smtpgate.hsl.library.nameservers import Resolver, _Question
from smtpgate.hsl.library.resolving import Answer, is_name, read_server
from tests.support.library import Running as Stub
from tests.support.library import call, options
from tests.support.nameserver import Running, Zone, output, reply, serve_raw, serve_zone
from tests.support.network import Names

ZONE = [
    ("example.com", dns.Record_A("192.0.2.1")),
    ("example.com", dns.Record_A("192.0.2.2")),
    ("example.com", dns.Record_AAAA("2001:db8::1")),
    ("example.com", dns.Record_MX(20, "second.example.com")),
    ("example.com", dns.Record_MX(10, "first.example.com")),
    ("example.com", dns.Record_TXT(b"one ", b"record")),
    ("example.com", dns.Record_TXT(b"caf\xc3\xa9")),
    ("example.com", dns.Record_NS("ns.example.com")),
    ("www.example.com", dns.Record_CNAME("example.com")),
    ("1.2.0.192.in-addr.arpa", dns.Record_PTR("mail.example.com")),
    ("long.example.com", dns.Record_TXT(*[b"x" * 255] * 10)),
    ("broken.example.com", ValueError),
]


def asynchronous(method):
    """A test that is a coroutine."""

    def run(self):
        return ensureDeferred(method(self))

    run.__doc__ = method.__doc__
    return run


class ServerTests(TestCase):
    """A server of twisted.names."""

    def ask(self, host, **given):
        given.setdefault("servers", [self.address])
        words = ", ".join(f'"{key}" => {_array(value)}' for key, value in given.items())
        return output(f'echo dns_query("{host}", [{words}]);')

    def setUp(self):
        """The server."""
        self.address = serve_zone(self, Zone(ZONE))

    @asynchronous
    async def test_types(self):
        """Each type of record, as the manual has it."""
        for kind, expected in (
            ("a", '[0=>"192.0.2.1",1=>"192.0.2.2"]'),
            ("aaaa", '[0=>"2001:db8::1"]'),
            ("mx", '[0=>"first.example.com",1=>"second.example.com"]'),
            ("txt", '[0=>"one record",1=>"caf\xc3\xa9"]'),
            ("ns", '[0=>"ns.example.com"]'),
        ):
            for written in (kind, kind.upper(), kind.title()):
                lines = await self.ask("example.com", type=written)
                self.assertEqual(lines, [f'["result"=>{expected},"dnssec"=>false]'], written)
        self.assertEqual(
            await self.ask("www.example.com.", type="cname"),
            ['["result"=>[0=>"example.com"],"dnssec"=>false]'],
        )
        self.assertEqual(
            await self.ask("1.2.0.192.in-addr.arpa", type="ptr"),
            ['["result"=>[0=>"mail.example.com"],"dnssec"=>false]'],
        )

    @asynchronous
    async def test_alias(self):
        """An alias is followed, and is not in the result."""
        self.assertEqual(
            await self.ask("www.example.com"),
            ['["result"=>[0=>"192.0.2.1",1=>"192.0.2.2"],"dnssec"=>false]'],
        )

    @asynchronous
    async def test_errors(self):
        """The names of response codes, and of no data."""
        for host, kind, name in (
            ("nobody.example", "a", "NXDOMAIN"),
            ("1.2.0.192.in-addr.arpa", "a", "NO_DATA"),
            ("broken.example.com", "a", "SERVFAIL"),
        ):
            lines = await self.ask(host, type=kind)
            self.assertEqual(lines, [f'["error"=>"{name}","dnssec"=>false]'], host)
        # The server logs why it cannot answer, each time.
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)

    @asynchronous
    async def test_truncated(self):
        """An answer that does not fit into a datagram is fetched over TCP."""
        lines = await self.ask("long.example.com", type="txt")
        self.assertEqual(lines, [f'["result"=>[0=>"{"x" * 2550}"],"dnssec"=>false]'])

    @asynchronous
    async def test_ipv6(self):
        """A server that is asked over IPv6, in both ways."""
        self.address = serve_zone(self, Zone(ZONE), "::1")
        lines = await self.ask("1.2.0.192.in-addr.arpa", type="ptr")
        self.assertEqual(lines, ['["result"=>[0=>"mail.example.com"],"dnssec"=>false]'])
        lines = await self.ask("long.example.com", type="txt")
        self.assertEqual(len(lines[0]), len('["result"=>[0=>""],"dnssec"=>false]') + 2550)

    @asynchronous
    async def test_system_servers(self):
        """Without the option those of resolv.conf(5)."""
        file = self.mktemp()
        with open(file, "w") as text:
            text.write(f"# a comment\nsearch example.com\nnameserver\nnameserver {self.address}\n")
        lines = await output(
            'echo dns_query("example.com", ["type" => "ns"])["result"];',
            resolver=Resolver(reactor, file),
        )
        self.assertEqual(lines, ['[0=>"ns.example.com"]'])

    @asynchronous
    async def test_dnsbl(self):
        """The reversed address below the list's domain."""
        address = serve_zone(self, Zone([("2.0.0.127.bl.example", dns.Record_A("127.0.0.4"))]))
        lines = await output(
            f'echo dnsbl("127.0.0.2", "bl.example", ["{address}"]);'
            f'echo dnsbl("127.0.0.3", "bl.example", ["{address}"], 1);'
        )
        self.assertEqual(lines, ['[0=>"127.0.0.4"]', "[]"])


class MisbehaviourTests(TestCase):
    """Servers that are silent, lie, or talk nonsense."""

    async def ask(self, *servers, timeout=0.2):
        words = ", ".join(f'"{server}"' for server in servers)
        (line,) = await output(
            f'echo dns_query("example.com", ["servers" => [{words}], "timeout" => {timeout}]);'
        )
        return line

    GOOD = '["result"=>[0=>"192.0.2.1"],"dnssec"=>false]'
    LATER = '["error"=>"TRY_AGAIN","dnssec"=>false]'

    @asynchronous
    async def test_silence(self):
        """A silent server is asked twice, then the script hears of it."""
        address, server = serve_raw(self, lambda question: [])
        self.assertEqual(await self.ask(address), self.LATER)
        self.assertEqual(len(server.questions), 2)
        self.assertNotEqual(server.questions[0].id, server.questions[1].id)

    @asynchronous
    async def test_next_server(self):
        """After a silent, a closed and a broken server the next one is asked."""
        good = dns.Record_A("192.0.2.1")
        silent, _ = serve_raw(self, lambda question: [])
        broken, _ = serve_raw(self, lambda question: [reply(question, rCode=dns.ESERVER)])
        address, server = serve_raw(self, lambda question: [reply(question, good)])
        closed = reactor.listenUDP(0, server.__class__(lambda _: []), interface="127.0.0.1")
        port = closed.getHost().port
        await closed.stopListening()
        found = await self.ask(silent, f"127.0.0.1:{port}", broken, address, timeout=0.8)
        self.assertEqual(found, self.GOOD)
        self.assertEqual(len(server.questions), 1)

    @asynchronous
    async def test_closed(self):
        """Where nobody listens."""
        closed = reactor.listenUDP(0, dns.DNSDatagramProtocol(None), interface="127.0.0.1")
        port = closed.getHost().port
        await closed.stopListening()
        self.assertEqual(await self.ask(f"127.0.0.1:{port}", timeout=60), self.LATER)

    @asynchronous
    async def test_all_broken(self):
        """The last error, if there is nothing better."""
        address, _ = serve_raw(self, lambda question: [reply(question, rCode=dns.EREFUSED)])
        self.assertEqual(await self.ask(address), '["error"=>"REFUSED","dnssec"=>false]')
        address, _ = serve_raw(self, lambda question: [reply(question, rCode=13)])
        self.assertEqual(await self.ask(address), '["error"=>"RCODE13","dnssec"=>false]')

    @asynchronous
    async def test_nonsense(self):
        """What is no answer to the question is passed over: the answer behind it counts."""
        good, bad = dns.Record_A("192.0.2.1"), dns.Record_A("192.0.2.66")

        def behave(question):
            wrong_id = reply(question, bad)
            wrong_id.id = question.id ^ 1
            other = reply(question, bad)
            other.queries = [dns.Query("example.org", dns.A)]
            echoed = reply(question, bad)
            echoed.answer = 0
            nothing = [b"", b"\0" * 11, b"\xff" * 600]
            return [*nothing, wrong_id, other, echoed, reply(question, good)]

        address, _ = serve_raw(self, behave)
        self.assertEqual(await self.ask(address), self.GOOD)

    @asynchronous
    async def test_truncated_only(self):
        """A cut answer from a server without TCP is none."""
        address, _ = serve_raw(self, lambda question: [reply(question, trunc=1)])
        self.assertEqual(await self.ask(address), self.LATER)

    @asynchronous
    async def test_dnssec(self):
        """The question asks whether signatures were checked, and the script hears it."""
        record = dns.Record_A("192.0.2.1")
        address, server = serve_raw(
            self, lambda question: [reply(question, record, authenticData=1)]
        )
        self.assertEqual(await self.ask(address), self.GOOD.replace("false", "true"))
        self.assertTrue(server.questions[0].authenticData)
        self.assertTrue(server.questions[0].recDes)

    @asynchronous
    async def test_client_leaves(self):
        """A script that is cancelled leaves no socket and no timer behind."""
        address, server = serve_raw(self, lambda question: [])
        running = Running(f'dns_query("example.com", ["servers" => ["{address}"]]); echo "never";')
        while not server.questions:
            await deferLater(reactor, 0.001)
        running.ended.cancel()
        await self.assertFailure(running.ended, ScriptCancelled)
        self.assertEqual(running.lines, [])

    @asynchronous
    async def test_others_go_on(self):
        """While one script waits another one runs."""
        held = []
        address, _ = serve_raw(self, lambda question: held.append(question) or [])
        waiting = Running(f'echo dns_query("example.com", ["servers" => ["{address}"]])["result"];')
        while not held:
            await deferLater(reactor, 0.001)
        self.assertEqual(await output('echo "here";'), ["here"])
        self.assertEqual(waiting.lines, [])
        waiting.ended.cancel()
        await self.assertFailure(waiting.ended, ScriptCancelled)


def _array(value):
    if isinstance(value, list):
        return "[" + ", ".join(f'"{each}"' for each in value) + "]"
    return f'"{value}"'


class ArgumentTests(SynchronousTestCase):
    """What scripts give, and what becomes of it."""

    def test_defaults(self):
        """Addresses, five seconds, the system's servers."""
        names = Names()
        call(FUNCTIONS["dns_query"], "example.com", running=_with(names))
        self.assertEqual(names.asked, [("example.com", "A", 5.0, [])])

    def test_options(self):
        """They reach the resolver."""
        names = Names()
        given = options(type="mx", timeout=2.5, servers=["192.0.2.53", "[2001:db8::1]:54"])
        call(FUNCTIONS["dns_query"], "example.com", given, running=_with(names))
        servers = [("192.0.2.53", 53), ("2001:db8::1", 54)]
        self.assertEqual(names.asked, [("example.com", "MX", 2.5, servers)])

    def test_dnsbl_arguments(self):
        """They reach the resolver as well, for IPv6 too."""
        names = Names()
        call(FUNCTIONS["dnsbl"], "2001:db8::1", "bl.example", ["::1"], 1.0, running=_with(names))
        name = "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2.bl.example"
        self.assertEqual(names.asked, [(name, "A", 1.0, [("::1", 53)])])

    def test_mistakes(self):
        """Each is an error that names the option."""
        for function, arguments, message in (
            (
                "dns_query",
                ("a.example", options(type="soa")),
                'dns_query() option "type" must be one of "a", "aaaa", "mx", "txt", "cname", '
                '"ns", "ptr"; "soa" given',
            ),
            (
                "dns_query",
                ("a.example", options(timeout=0.0)),
                'dns_query() option "timeout" must be more than 0 seconds and finite, 0 given',
            ),
            (
                "dns_query",
                ("a.example", options(timeout=float("nan"))),
                'dns_query() option "timeout" must be more than 0 seconds and finite, nan given',
            ),
            (
                "dns_query",
                ("a.example", options(servers=["ns.example"])),
                'dns_query() option "servers" must have IP addresses, with a port or without',
            ),
            (
                "dns_query",
                ("a.example", options(servers=["::1"] * 17)),
                'dns_query() option "servers" may have at most 16 servers',
            ),
            (
                "dnsbl",
                ("somebody", "bl.example"),
                'dnsbl() parameter "ip" must be an IP address, "somebody" given',
            ),
            (
                "dnsbl",
                ("192.0.2.1", "bl.example", [1.0]),
                'dnsbl() parameter "resolvers" must have IP addresses, with a port or without',
            ),
            (
                "dnsbl",
                ("192.0.2.1", "bl.example", [], -1.0),
                'dnsbl() parameter "timeout" must be more than 0 seconds and finite, -1 given',
            ),
        ):
            error = self.assertRaises(
                Fault, call, FUNCTIONS[function], *arguments, running=_with(Names())
            )
            self.assertEqual(str(error), message)

    def test_without_network(self):
        """On a clock that is no reactor there is none."""
        error = self.assertRaises(Fault, call, FUNCTIONS["dns_query"], "a.example")
        self.assertEqual(str(error), "dns_query() is not available here")

    def test_no_names(self):
        """What cannot be asked for is asked of nobody."""
        for name in ("", ".", "a..b", "x" * 64, "a." * 127 + "a", ".a"):
            self.assertFalse(is_name(name), name)
            answer = self.successResultOf(Resolver(Clock()).lookup(name, "A", 5.0))
            self.assertEqual(answer, Answer(error="NO_RECOVERY"))
        for name in ("a", "a.", "x" * 63 + ".example", "_dmarc.example", "a b", "\xff"):
            self.assertTrue(is_name(name), name)

    def test_servers(self):
        """How servers may be written."""
        for text, expected in (
            ("192.0.2.1", ("192.0.2.1", 53)),
            ("192.0.2.1:5353", ("192.0.2.1", 5353)),
            ("::1", ("::1", 53)),
            ("[::1]", ("::1", 53)),
            ("[::1]:5353", ("::1", 5353)),
            ("", None),
            ("192.0.2.1:", None),
            ("192.0.2.1:0", None),
            ("192.0.2.1:65536", None),
            ("192.0.2.1:\xb2", None),
            ("[::1]5353", None),
            ("[::1]:", None),
            ("[::1", ("::1", 53)),
            ("localhost", None),
        ):
            self.assertEqual(read_server(text), expected, text)

    @settings(deadline=None, derandomize=True)
    @given(st.binary(max_size=200))
    def test_any_octets(self, octets):
        """No octets of a server are an answer by accident, or an error of ours."""
        question = _Question(dns.Query("example.com", dns.A))
        question.received(octets)
        # The header of an answer to it, with anything behind.
        header = bytearray(question.octets[:12])
        header[2] |= 0x80
        header[6:8] = b"\0\3"
        question.received(bytes(header) + question.octets[12:] + octets)
        question.fail(CancelledError())
        question.answer.addErrback(lambda failure: failure.trap(CancelledError))


def _with(names):
    running = Stub(resolver=names)
    running.wait = running.settle
    return running
