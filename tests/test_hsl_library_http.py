"""http(): requests to web servers on loopback."""

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import TestCase
from twisted.web.server import Site

from smtpgate import __version__
from smtpgate.hsl.errors import ScriptCancelled, ScriptRuntimeError
from smtpgate.hsl.library.webclient import WebClient
from smtpgate.hsl.limits import Limits
from tests.support.certificates import authority, server_options
from tests.support.nameserver import Running, output
from tests.support.webserver import Pattern, ProxyServer, asynchronous


class WebTests(TestCase):
    """A web server of Twisted, and scripts that ask it."""

    def setUp(self):
        """The server; whoever is on it at the end of a test is put off."""
        self.pages = Pattern()
        self.url = f"http://127.0.0.1:{self.serve(Site(self.pages))}"

    def serve(self, factory, tls=None):
        factory.noisy = False
        transports = []
        build = factory.buildProtocol

        def keep(address):
            channel = build(address)
            connect, lose = channel.makeConnection, channel.connectionLost

            def connected(transport):
                transports.append(transport)
                channel.connectionLost = lambda reason: (transports.remove(transport), lose(reason))
                connect(transport)

            channel.makeConnection = connected
            return channel

        factory.buildProtocol = keep
        if tls is None:
            port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        else:
            port = reactor.listenSSL(0, factory, tls, interface="127.0.0.1")

        async def close():
            await port.stopListening()
            for transport in list(transports):
                transport.abortConnection()
            await deferLater(reactor, 0.01)

        self.addCleanup(lambda: ensureDeferred(close()))
        return port.getHost().port

    async def ask(self, path, words="[]", *rest, **given):
        """What http() returns, as a literal."""
        arguments = "".join(f", {each}" for each in rest)
        url = path if "://" in path else self.url + path
        source = f"echo [http(''{url}'', {words}{arguments})];"
        (line,) = await output(source, **given)
        return line.removeprefix("[0=>").removesuffix("]")

    @asynchronous
    async def test_get(self):
        """The content; who asks says so."""
        self.assertEqual(await self.ask("/a?b=c"), '"GET /a?b=c "')
        ((_, _, headers, _),) = self.pages.seen
        self.assertEqual(headers.getRawHeaders("user-agent"), [f"smtpgate/{__version__}"])

    @asynchronous
    async def test_replaced(self):
        """Values come encoded into the URL, and into their places only."""
        found = await self.ask("/$1?x=$2&y=$3&z=$10", "[]", '["a/b?", "c&d=\\xff $1"]')
        self.assertEqual(found, '"GET /a%2Fb%3F?x=c%26d%3D%FF%20%241&y=\\$3&z=\\$10 "')

    @asynchronous
    async def test_post(self):
        """Fields as a form, text as it is."""
        found = await self.ask("/", "[]", "[]", '["a b" => "c&d", "n" => 5, "t" => true]')
        self.assertEqual(found, '"POST / a+b=c%26d&n=5&t=1"')
        form = self.pages.seen[-1][2].getRawHeaders("content-type")
        self.assertEqual(form, ["application/x-www-form-urlencoded"])
        words = '["method" => "PUT", "headers" => ["content-type: text/plain"]]'
        self.assertEqual(await self.ask("/", words, "[]", '"caf\\xe9"'), '"PUT / caf\xe9"')
        self.assertEqual(self.pages.seen[-1][2].getRawHeaders("content-type"), ["text/plain"])
        self.assertEqual(await self.ask("/", "[]", "[]", '""'), '"POST / "')

    @asynchronous
    async def test_headers(self):
        """They are sent; those that the connection needs are its own."""
        words = '["headers" => ["Host: other.example", "X-A: 1", "x-a:2", "Content-Length: 5"]]'
        self.assertEqual(await self.ask("/", words), '"GET / "')
        headers = self.pages.seen[-1][2]
        self.assertEqual(headers.getRawHeaders("host"), ["other.example"])
        self.assertEqual(headers.getRawHeaders("x-a"), ["1", "2"])
        self.assertIsNone(headers.getRawHeaders("content-length"))

    @asynchronous
    async def test_login(self):
        """User and password of a URL become a header field."""
        url = self.url.replace("//", "//jo:s%40e@") + "/"
        self.assertEqual(await self.ask(url), '"GET / "')
        found = self.pages.seen[-1][2].getRawHeaders("authorization")
        self.assertEqual(found, ["Basic am86c0Bl"])

    @asynchronous
    async def test_status(self):
        """Only 2xx is content, unless the script wants more."""
        self.assertEqual(await self.ask("/404"), "none")
        self.assertEqual(await self.ask("/201"), '"status"')
        extended = '["extended_result" => true]'
        self.assertEqual(await self.ask("/500", extended), '["status"=>500,"content"=>"status"]')
        found = await self.ask("/404", '["response_headers" => true]')
        self.assertRegex(
            found, r'(?s)^"HTTP/1.1 404 Not Found\\r\\n.*Server: test\\r\\n.*\\r\\n\\r\\nstatus"$'
        )

    @asynchronous
    async def test_redirects(self):
        """They are followed as often as the script says."""
        status = '"extended_result" => true'
        self.assertEqual(
            await self.ask("/moved", f"[{status}]"), '["status"=>302,"content"=>"moved"]'
        )
        self.assertEqual(await self.ask("/moved", f'[{status}, "redirects" => 1]'), "none")
        for count in (2, -1):
            found = await self.ask("/moved", f'[{status}, "redirects" => {count}]', "[]", '"x"')
            self.assertEqual(found, '["status"=>200,"content"=>"GET /there "]')
        found = await self.ask("/kept", f'[{status}, "redirects" => 5]', "[]", '"x"')
        self.assertEqual(found, '["status"=>307,"content"=>"kept"]')

    @asynchronous
    async def test_size(self):
        """A body over the size is none, announced or not, packed or not."""
        for path, size in (("/large", 1001), ("/chunked", 1200), ("/gzip", 2000)):
            fits = await self.ask(path, f'["max_file_size" => {size}]')
            self.assertEqual(fits, f'"{"x" * size}"')
            self.assertEqual(await self.ask(path, f'["max_file_size" => {size - 1}]'), "none")

    @asynchronous
    async def test_string_limit(self):
        """Without a size a body that is no string of the script any more is an error."""
        running = Running(f"http(''{self.url}/large'');", limits=Limits(string=1000))
        error = await self.assertFailure(running.ended, ScriptRuntimeError)
        self.assertEqual(
            str(error),
            "test.hsl:1:1: a string may have at most 1000 octets, this one would have 1001",
        )

    @asynchronous
    async def test_time(self):
        """A server that is silent, before its answer or within it."""
        for path in ("/silent", "/half"):
            self.assertEqual(await self.ask(path, '["timeout" => 0.05]'), "none")
        self.assertEqual(len(self.pages.held), 2)

    @asynchronous
    async def test_cut(self):
        """Half a body is none."""
        self.assertEqual(await self.ask("/cut"), "none")

    @asynchronous
    async def test_refused(self):
        """Nobody listens there."""
        port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")
        number = port.getHost().port
        await port.stopListening()
        self.assertEqual(await self.ask(f"http://127.0.0.1:{number}/"), "none")

    @asynchronous
    async def test_nonsense(self):
        """A server that does not speak HTTP, or none at all."""

        class Nonsense(Protocol):
            def dataReceived(self, data):
                self.transport.write(b"220 mail.example.com ESMTP\r\n")
                self.transport.loseConnection()

        number = self.serve(Factory.forProtocol(Nonsense))
        self.assertEqual(await self.ask(f"http://127.0.0.1:{number}/"), "none")
        self.assertEqual(await self.ask(f"https://127.0.0.1:{number}/"), "none")

    @asynchronous
    async def test_source(self):
        """The own address, or one that is not ours."""
        self.assertEqual(await self.ask("/", '["sourceip" => "127.0.0.1"]'), '"GET / "')
        self.assertEqual(await self.ask("/", '["sourceip" => "192.0.2.1"]'), "none")

    @asynchronous
    async def test_client_leaves(self):
        """The request of a cancelled script ends, before the answer or within it."""
        for path in ("/silent", "/half"):
            running = Running(f"http(''{self.url}{path}''); echo ''never'';")
            while not self.pages.held:
                await deferLater(reactor, 0.001)
            gone = self.pages.held.pop().notifyFinish()
            running.ended.cancel()
            await self.assertFailure(running.ended, ScriptCancelled)
            await self.assertFailure(gone, Exception)
            self.assertEqual(running.lines, [], path)

    @asynchronous
    async def test_tls(self):
        """The chain is checked unless the script says no, the name if it says yes."""
        site = Site(self.pages)
        port = self.serve(site, server_options())
        trust = trustRootFromCertificates([Certificate.loadPEM(authority().certificate)])
        named, numbered = f"https://localhost:{port}/", f"https://127.0.0.1:{port}/"
        strict, loose = '"tls_verify_host" => true', '"tls_verify_peer" => false'
        good = '"GET / "'
        for trusted, url, words, expected in (
            (True, named, "", good),
            (True, named, strict, good),
            (True, numbered, "", good),
            (True, numbered, strict, "none"),
            (False, named, "", "none"),
            (False, named, '"tls_default_ca" => true', "none"),
            (False, named, strict, "none"),
            (False, named, loose, good),
            (False, named, f"{loose}, {strict}", good),
            (False, numbered, f"{loose}, {strict}", "none"),
            (False, numbered, loose, good),
        ):
            web = WebClient(reactor, trust if trusted else None)
            found = await self.ask(url, f"[{words}]", web=web)
            self.assertEqual(found, expected, (trusted, url, words))

    @asynchronous
    async def test_quiet(self):
        """Connections that begin and end are no lines in the log of twistd."""
        told = []
        globalLogPublisher.addObserver(told.append)
        self.addCleanup(globalLogPublisher.removeObserver, told.append)
        port = self.serve(Site(self.pages), server_options())
        loose = '["tls_verify_peer" => false]'
        for url in ("/", f"https://localhost:{port}/"):
            self.assertEqual(await self.ask(url, loose), '"GET / "')
        self.assertEqual([event for event in told if "factory" in event], [])

    @asynchronous
    async def test_proxy(self):
        """Whole URLs to the proxy for http, a tunnel for https."""
        proxy = self.serve(Factory.forProtocol(ProxyServer))
        secure = self.serve(Site(self.pages), server_options())
        words = f'"proxy" => "http://jo:secret@127.0.0.1:{proxy}"'
        found = await self.ask("http://web.example/x", f"[{words}]")
        self.assertEqual(found, '"GET http://web.example/x HTTP/1.1 Basic am86c2VjcmV0"')
        url = f"https://localhost:{secure}/"
        self.assertEqual(await self.ask(url, f'[{words}, "tls_verify_peer" => false]'), '"GET / "')
        self.assertEqual(await self.ask("https://refused.example/", f"[{words}]"), "none")
        self.patch_environment({"http_proxy": f"http://127.0.0.1:{proxy}", "no_proxy": "127.0.0.1"})
        self.assertEqual(
            await self.ask("http://web.example/"), '"GET http://web.example/ HTTP/1.1 "'
        )
        self.assertEqual(await self.ask("/"), '"GET / "')
        self.assertEqual(
            await self.ask("http://web.invalid/", '["proxy" => "", "connect_timeout" => 5]'), "none"
        )

    def patch_environment(self, variables):
        import os

        for name, value in variables.items():
            before = os.environ.get(name)
            os.environ[name] = value
            if before is None:
                self.addCleanup(os.environ.pop, name)
            else:
                self.addCleanup(os.environ.__setitem__, name, before)

    @asynchronous
    async def test_background(self):
        """The script goes on at once; the request is sent until it succeeds."""
        words = '["background" => true, "background_retry_count" => 5]'
        self.assertEqual(await self.ask("/flaky", words), "true")
        while self.pages.failures < 3:
            await deferLater(reactor, 0.001)
        await deferLater(reactor, 0.02)
        self.assertEqual(self.pages.failures, 3)
