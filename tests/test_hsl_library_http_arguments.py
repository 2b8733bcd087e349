"""http(): what scripts give, and what becomes of it."""

from twisted.trial.unittest import SynchronousTestCase

from smtpgate import __version__
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import FUNCTIONS
from smtpgate.hsl.library.web import Request
from smtpgate.hsl.library.webroute import read_proxy
from tests.support.library import Running as Stub
from tests.support.library import call, options
from tests.support.network import Pages


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
        proxy = 'http() option "proxy" must be the URL of an HTTP proxy, "%s" given'
        for given, message in (
            (
                {"sourceipid": "mail:1"},
                'http() option "sourceipid" is not available here, use "sourceip"',
            ),
            ({"tls_client_cert": "pki:1"}, 'http() option "tls_client_cert" is not available here'),
            ({"sourceip": "eth0"}, 'http() option "sourceip" must be an IP address, "eth0" given'),
            (
                {"timeout": 0.0},
                'http() option "timeout" must be more than 0 seconds and finite, 0 given',
            ),
            (
                {"connect_timeout": -1.0},
                'http() option "connect_timeout" must be more than 0 seconds and finite, -1 given',
            ),
            (
                {"max_file_size": -1.0},
                'http() option "max_file_size" must not be negative, -1 given',
            ),
            ({"method": "GET /"}, 'http() option "method" must be a method\'s name, "GET /" given'),
            ({"redirects": -2.0}, 'http() option "redirects" must be -1 or more, -2 given'),
            ({"headers": ["no colon"]}, fields),
            ({"headers": ["A: b\r\nC: d"]}, fields),
            ({"headers": ["A : b"]}, fields),
            ({"headers": [5.0]}, fields),
            ({"proxy": "socks5://proxy.example"}, proxy % "socks5://proxy.example"),
            ({"proxy": "http://"}, proxy % "http://"),
            (
                {"background": True, "background_retry_count": -1.0},
                'http() option "background_retry_count" must be 0 to 1000, -1 given',
            ),
            (
                {"background": True, "background_retry_delay": 1e5},
                'http() option "background_retry_delay" must be 0 to 86400 seconds, 100000 given',
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
