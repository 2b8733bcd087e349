"""Web servers and a proxy on loopback, for scripts to ask."""

import gzip

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
from twisted.internet.protocol import Factory, Protocol
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET


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
