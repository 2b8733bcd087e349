"""Requests that go on without the script that made them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from smtpgate.hsl.library.web import Request, RequestFailed, Web

if TYPE_CHECKING:
    from smtpgate.hsl.runtime.environment import Environment

QUEUES: Final = 8
#: Requests in one queue.
LONGEST: Final = 1000
#: Octets to post in all queues together.
MOST_OCTETS: Final = 64 * 1024 * 1024

_WARNING: Final = 4


@dataclass(frozen=True, slots=True)
class _Job:
    request: Request
    retries: int
    delay: float

    @property
    def size(self) -> int:
        return len(self.request.body or b"")


class Background:
    """Queues of requests; each sends one after the other."""

    def __init__(self, web: Web, environment: Environment) -> None:
        self._web = web
        self._environment = environment
        self._queues: dict[int, deque[_Job]] = {}
        self._octets = 0

    def add(self, number: int, request: Request, retries: int, delay: float) -> bool:
        """Queue a request; false if there is no room."""
        job = _Job(request, retries, delay)
        number %= QUEUES
        queue = self._queues.get(number)
        full = queue is not None and len(queue) >= LONGEST
        if full or self._octets + job.size > MOST_OCTETS:
            return False
        self._octets += job.size
        if queue is not None:
            queue.append(job)
            return True
        self._queues[number] = deque([job])
        Deferred.fromCoroutine(self._work(number))
        return True

    async def _work(self, number: int) -> None:
        """Send what is in a queue until nothing is."""
        queue = self._queues[number]
        while queue:
            # It stays in the queue while it is sent, so that the queue stays ours.
            job = queue[0]
            try:
                await self._send(job)
            finally:
                queue.popleft()
                self._octets -= job.size
        del self._queues[number]

    async def _send(self, job: _Job) -> None:
        environment = self._environment
        reason = ""
        for attempt in range(job.retries + 1):
            if attempt:
                await deferLater(environment.clock, job.delay)
            try:
                response = await self._web.request(job.request)
            except RequestFailed as error:
                reason = str(error)
                continue
            if response.successful:
                return
            reason = f"status {response.status}"
        # The rest of a URL may be secret.
        host = urlsplit(job.request.url).hostname
        words = f"http() in the background to {host} failed: {reason}"
        environment.syslog(_WARNING, words, None)
