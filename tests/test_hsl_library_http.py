"""http(): requests to web servers on loopback."""

import gzip

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import Certificate, trustRootFromCertificates
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from smtpgate import __version__
from smtpgate.hsl.environment import Environment
from smtpgate.hsl.errors import Fault, ScriptCancelled, ScriptRuntimeError
from smtpgate.hsl.library import FUNCTIONS, background
from smtpgate.hsl.library.background import Background
from smtpgate.hsl.library.web import Request, RequestFailed, Response
from smtpgate.hsl.library.webclient import WebClient
from smtpgate.hsl.library.webroute import read_proxy
from smtpgate.hsl.limits import Limits
from tests.support.certificates import authority, server_options
from tests.support.library import Running as Stub
from tests.support.library import call, options
from tests.support.nameserver import Running, output
from tests.support.network import Pages


def asynchronous(method):
    """A test that is a coroutine."""

    def run(self):
        return ensureDeferred(method(self))

    run.__doc__ = method.__doc__
    return run


class Pattern(Resource):
    """Answers as its path says, and keeps the requests."""

    isLeaf = True

    def __init__(self):
        super().__init__()
        self.seen = []
        self.held = []
        self.failures = 0

    def render(self, request):
        body = request.content.read()
        self.seen.append((request.method, request.uri, request.requestHeaders, body))
        page = request.path.strip(b"/").decode()
        request.setHeader(b"server", b"test")
        if page.isdigit():
            request.setResponseCode(int(page))
            return b"status"
        return getattr(self, f"page_{page}", self.page_echo)(request, body)

    def page_echo(self, request, body):
        return request.method + b" " + request.uri + b" " + body

    def page_silent(self, request, body):
        self.held.append(request)
        return NOT_DONE_YET

    def page_half(self, request, body):
        request.setHeader(b"content-length", b"100")
        request.write(b"half")
        self.held.append(request)
        return NOT_DONE_YET

    def page_cut(self, request, body):
        request.setHeader(b"content-length", b"100")
        request.write(b"half")
        reactor.callLater(0.01, request.transport.abortConnection)
        return NOT_DONE_YET

    def page_large(self, request, body):
        return b"x" * 1001

    def page_chunked(self, request, body):
        request.write(b"x" * 600)
        request.write(b"x" * 600)
        request.finish()
        return NOT_DONE_YET

    def page_gzip(self, request, body):
        request.setHeader(b"content-encoding", b"gzip")
        return gzip.compress(b"x" * 2000)

    def page_moved(self, request, body):
        request.setResponseCode(302)
        request.setHeader(b"location", b"/moved2")
        return b"moved"

    def page_moved2(self, request, body):
        request.setResponseCode(301)
        request.setHeader(b"location", b"/there")
        return b"moved"

    def page_kept(self, request, body):
        request.setResponseCode(307)
        request.setHeader(b"location", b"/there")
        return b"kept"

    def page_flaky(self, request, body):
        self.failures += 1
        if self.failures < 3:
            request.setResponseCode(503)
        return b""


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


class ProxyServer(Protocol):
    """Answers for all of http, and tunnels to localhost."""

    peer = None

    def connectionMade(self):
        self.received = b""

    def dataReceived(self, data):
        if self.peer is not None:
            self.peer.transport.write(data)
            return
        self.received += data
        if b"\r\n\r\n" not in self.received:
            return
        first = self.received.split(b"\r\n")[0]
        login = b""
        for line in self.received.split(b"\r\n"):
            if line.lower().startswith(b"proxy-authorization: "):
                login = line.split(b": ")[1]
        if first.startswith(b"CONNECT localhost:"):
            port = int(first.split()[1].split(b":")[1])
            reactor.connectTCP("127.0.0.1", port, Far(self))
        elif first.startswith(b"CONNECT"):
            self.transport.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        else:
            body = first + b" " + login
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )

    def connectionLost(self, reason):
        if self.peer is not None:
            self.peer.transport.loseConnection()


class Far(Factory):
    """The far end of a tunnel."""

    noisy = False

    def __init__(self, near):
        self.near = near

    def doStart(self):
        """Nothing to say."""

    def startedConnecting(self, connector):
        """Nothing to do."""

    def clientConnectionLost(self, connector, reason):
        self.near.transport.loseConnection()

    def buildProtocol(self, address):
        near = self.near

        class Relay(Protocol):
            def connectionMade(self):
                near.peer = self
                near.transport.write(b"HTTP/1.1 200 Established\r\n\r\n")

            def dataReceived(self, data):
                near.transport.write(data)

        return Relay()


class ArgumentTests(SynchronousTestCase):
    """What scripts give, and what becomes of it."""

    def ask(self, *arguments, pages=None):
        self.web = Pages(pages)
        running = Stub(web=self.web)
        running.wait = running.settle
        return call(FUNCTIONS["http"], *arguments, running=running)

    def test_options(self):
        """They reach the client."""
        self.ask(
            "https://caf\xc3\xa9.example/\xc3\xa9?q=%2F#top",
            options(
                connect_timeout=1.5,
                timeout=2.0,
                max_file_size=10.0,
                sourceip="::1",
                method="DELETE",
                redirects=3.0,
                tls_verify_peer=False,
                tls_verify_host=True,
                proxy="proxy.example:3128",
            ),
        )
        self.assertEqual(
            self.web.asked,
            [
                Request(
                    "DELETE",
                    "https://xn--caf-dma.example/%C3%A9?q=%2F#top",
                    (("User-Agent", f"smtpgate/{__version__}"),),
                    None,
                    1.5,
                    2.0,
                    10.0,
                    "::1",
                    False,
                    True,
                    3,
                    "proxy.example:3128",
                )
            ],
        )

    def test_no_urls(self):
        """What is none is not asked for."""
        for url in (
            "",
            "/path",
            "ftp://example.com/",
            "file:///etc/passwd",
            "http://",
            "http:///x",
            "http://example.com/a b",
            "http://example.com/\r\nX: y",
            "http://example.com:port/",
            "http://example.com:99999999/",
            "http://[::1/",
            "http://\xff.example/",
            "example.com",
        ):
            self.assertIsNone(self.ask(url), url)
            self.assertEqual([each.url for each in self.web.asked], [], url)

    def test_mistakes(self):
        """Each is an error that names the option."""
        fields = 'http() option "headers" must have strings such as "Name: value"'
        proxy = 'http() option "proxy" must be the URL of an HTTP proxy'
        for given, message in (
            (
                {"sourceipid": "mail:1"},
                'http() option "sourceipid" is not available here, use "sourceip"',
            ),
            ({"tls_client_cert": "pki:1"}, 'http() option "tls_client_cert" is not available here'),
            ({"sourceip": "eth0"}, 'http() option "sourceip" must be an IP address'),
            ({"timeout": 0.0}, 'http() option "timeout" must be more than 0 seconds'),
            (
                {"connect_timeout": -1.0},
                'http() option "connect_timeout" must be more than 0 seconds',
            ),
            ({"max_file_size": -1.0}, 'http() option "max_file_size" must not be negative'),
            ({"method": "GET /"}, 'http() option "method" must be a method\'s name'),
            ({"redirects": -2.0}, 'http() option "redirects" must be -1 or more'),
            ({"headers": ["no colon"]}, fields),
            ({"headers": ["A: b\r\nC: d"]}, fields),
            ({"headers": ["A : b"]}, fields),
            ({"headers": [5.0]}, fields),
            ({"proxy": "socks5://proxy.example"}, proxy),
            ({"proxy": "http://"}, proxy),
            (
                {"background": True, "background_retry_count": -1.0},
                'http() option "background_retry_count" must be 0 to 1000',
            ),
            (
                {"background": True, "background_retry_delay": 1e9},
                'http() option "background_retry_delay" must be 0 to 86400 seconds',
            ),
        ):
            error = self.assertRaises(Fault, self.ask, "http://a.example/", options(**given))
            self.assertEqual(str(error), message)
        error = self.assertRaises(Fault, self.ask, "http://a.example/$1", options(), [None])
        self.assertEqual(str(error), "http() takes strings to send, none given")

    def test_without_network(self):
        """On a clock that is no reactor there is none."""
        error = self.assertRaises(Fault, call, FUNCTIONS["http"], "http://a.example/")
        self.assertEqual(str(error), "http() is not available here")

    def test_proxies(self):
        """How a proxy may be written."""
        for text, expected in (
            ("proxy.example", ("proxy.example", 1080, None)),
            ("http://proxy.example:3128/", ("proxy.example", 3128, None)),
            ("http://a:b%40@[::1]:80", ("::1", 80, b"Basic YTpiQA==")),
        ):
            proxy = read_proxy(text)
            self.assertEqual((proxy.host, proxy.port, proxy.authorization), expected)
        for text in ("", "https://proxy.example", "http://proxy.example:x", "http://[::1"):
            self.assertIsNone(read_proxy(text), text)


class Failing:
    """A web whose answers a test gives."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def request(self, request):
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class BackgroundTests(SynchronousTestCase):
    """Queues of requests, on a clock."""

    def queues(self, web):
        self.clock = Clock()
        self.logged = []
        environment = Environment(
            self.clock, syslog=lambda priority, text: self.logged.append((priority, text))
        )
        return Background(web, environment)

    def test_retries(self):
        """After the delay, as often as told, and the next one after the last failure."""
        web = Failing(RequestFailed("first"), Response(503, b""), Response(200, b""))
        queues = self.queues(web)
        one, two = (
            Request("GET", "http://one.example/secret"),
            Request("GET", "http://two.example/"),
        )
        self.assertTrue(queues.add(0, one, 1, 10.0))
        self.assertTrue(queues.add(background.QUEUES, two, 0, 0.0))
        self.assertEqual(web.asked, [one])
        self.clock.advance(9)
        self.assertEqual(web.asked, [one])
        self.clock.advance(1)
        self.assertEqual(web.asked, [one, one, two])
        self.assertEqual(
            self.logged, [(4, "http() in the background to one.example failed: status 503")]
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_own_queue(self):
        """Another queue does not wait."""
        web = Failing(RequestFailed("first"), Response(200, b""))
        queues = self.queues(web)
        one, two = Request("GET", "http://one.example/"), Request("GET", "http://two.example/")
        queues.add(0, one, 1, 10.0)
        queues.add(1, two, 0, 0.0)
        self.assertEqual(web.asked, [one, two])

    def test_full(self):
        """A queue has an end, and all of them together."""
        self.patch(background, "LONGEST", 2)
        self.patch(background, "MOST_OCTETS", 10)
        queues = self.queues(Failing(*[RequestFailed("no")] * 9))
        small, large = (
            Request("GET", "http://a.example/"),
            Request("POST", "http://a.example/", body=b"x" * 10),
        )
        self.assertTrue(queues.add(0, small, 1, 10.0))
        self.assertTrue(queues.add(0, small, 0, 0.0))
        self.assertFalse(queues.add(0, small, 0, 0.0))
        self.assertTrue(queues.add(1, large, 1, 10.0))
        self.assertFalse(queues.add(2, large, 0, 0.0))
        self.clock.advance(10)
        self.assertTrue(queues.add(0, large, 0, 0.0))
        self.assertEqual(len(self.logged), 4)
