"""http(): requests in the background."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.library import background
from smtpgate.hsl.library.background import Background
from smtpgate.hsl.library.web import Request, RequestFailed, Response
from smtpgate.hsl.runtime.environment import Environment


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
            self.clock, syslog=lambda priority, text, _: self.logged.append((priority, text))
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
