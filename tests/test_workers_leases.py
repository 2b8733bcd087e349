"""Connection limits that hold over several workers."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.session import Limits
from tests.support.workers import Office


class LeaseTests(SynchronousTestCase):
    """Slots: room for so many connections of a server."""

    def start(self, workers: int, connections: int) -> None:
        self.office = Office(workers)
        self.limits = Limits(connections=connections)

    def enter(self, worker: int) -> bool:
        """Whether a worker may take one more connection."""
        answer = self.office.workers[worker].admission.enter(self.limits)
        self.office.flush()
        return self.successResultOf(answer) if hasattr(answer, "addCallbacks") else answer

    def leave(self, worker: int) -> None:
        self.office.workers[worker].admission.leave()
        self.office.flush()

    def test_far_from_the_limit(self) -> None:
        """Most connections are admitted on the spot."""
        self.start(2, 10_000)
        self.enter(0)
        asked = 0
        for _ in range(1000):
            answer = self.office.workers[0].admission.enter(self.limits)
            asked += answer is not True
            self.office.flush()
        self.assertLess(asked, 20)

    def test_exact(self) -> None:
        """All places can be taken, whoever they went to first, and not one more."""
        self.start(3, 100)
        for _ in range(10):  # they keep some idle
            self.assertTrue(self.enter(0))
            self.assertTrue(self.enter(1))
        self.assertEqual([True] * 80 + [False] * 3, [self.enter(2) for _ in range(83)])
        self.assertFalse(self.enter(0))
        self.leave(1)
        self.assertTrue(self.enter(0))
        self.assertFalse(self.enter(1))

    def test_one(self) -> None:
        """A limit that is smaller than the number of workers."""
        self.start(3, 1)
        self.assertEqual([True, False, False], [self.enter(worker) for worker in range(3)])
        self.leave(0)
        self.assertEqual([True, False], [self.enter(2), self.enter(1)])

    def test_no_limit(self) -> None:
        """Without a limit nobody is asked."""
        self.start(1, 0)
        admission = self.office.workers[0].admission
        self.assertTrue(all(admission.enter(self.limits) is True for _ in range(100)))
        for _ in range(100):
            self.leave(0)
        self.assertEqual(0, admission.sessions)

    def test_crash(self) -> None:
        """The connections of a worker that died are free."""
        self.start(2, 10)
        for _ in range(10):
            self.enter(0)
        self.assertFalse(self.enter(1))
        self.office.crash(0)
        self.assertEqual([True] * 10 + [False], [self.enter(1) for _ in range(11)])

    def test_crash_while_called_back(self) -> None:
        """A worker that dies when its idle slots are called back is no reason to wait."""
        self.start(2, 100)
        self.enter(0)
        answers = [self.office.workers[1].admission.enter(self.limits) for _ in range(99)]
        self.office.crash(0)
        self.office.flush()
        self.assertEqual([True] * 99, [self.successResultOf(answer) for answer in answers])

    def test_cancelled(self) -> None:
        """A client that leaves while its place is asked for takes none."""
        self.start(2, 1)
        answer: Any = self.office.workers[0].admission.enter(self.limits)
        answer.cancel()
        self.failureResultOf(answer, CancelledError)
        self.office.flush()
        self.assertTrue(self.enter(1))

    def test_without_supervisor(self) -> None:
        """Who waits when the supervisor dies is turned away, and so is who comes later."""
        self.start(1, 10)
        waiting: Any = self.office.workers[0].admission.enter(self.limits)
        self.office.orphan(0)
        later: Any = self.office.workers[0].admission.enter(self.limits)
        self.assertEqual([False, False], [self.successResultOf(each) for each in (waiting, later)])

    def test_retired(self) -> None:
        """A worker that takes no more connections keeps no slots."""
        self.start(2, 1000)
        self.enter(0)
        self.assertLess(1, self.office.slots.pool("in").held.total())
        self.office.workers[0].admission.keep_none()
        self.office.flush()
        self.assertEqual(1, self.office.slots.pool("in").held.total())

    @settings(deadline=None, derandomize=True, max_examples=60)
    @given(
        st.integers(1, 40),
        st.lists(st.tuples(st.integers(0, 2), st.sampled_from("+++-f")), max_size=120),
    )
    def test_any_order(self, limit: int, steps: list[tuple[int, str]]) -> None:
        """Whatever comes and goes while answers are on their way: all who fit are admitted."""
        self.start(3, limit)
        answers: list[list[Any]] = [[], [], []]
        inside = [0, 0, 0]
        for worker, step in steps:
            admission = self.office.workers[worker].admission
            if step == "+":
                answers[worker].append(admission.enter(self.limits))
            elif step == "-" and inside[worker]:
                inside[worker] -= 1
                admission.leave()
            elif step == "f":
                self.office.flush()
            for number, waiting in enumerate(answers):
                for answer in [each for each in waiting if each is True or each.called]:
                    waiting.remove(answer)
                    inside[number] += answer is True or self.successResultOf(answer)
            self.assertLessEqual(sum(inside), limit)
        self.office.flush()
        for number, waiting in enumerate(answers):
            inside[number] += sum(each is True or self.successResultOf(each) for each in waiting)
        total = sum(inside)
        self.assertLessEqual(total, limit)
        free = [self.enter(number % 3) for number in range(limit - total + 1)]
        self.assertEqual([True] * (limit - total) + [False], free)


class AddressTests(SynchronousTestCase):
    """Connections of one address, or of one network."""

    def setUp(self) -> None:
        self.office = Office(2)

    def identify(self, worker: int, address: str, limits: Limits) -> bool:
        answer = self.office.workers[worker].admission.identify(address, limits)
        self.office.flush()
        return self.successResultOf(answer) if hasattr(answer, "addCallbacks") else answer

    def test_address(self) -> None:
        """So many of one address, whichever workers have them."""
        limits = Limits(connections_per_address=2)
        found = [self.identify(worker, "192.0.2.1", limits) for worker in (0, 1, 0)]
        self.assertEqual([True, True, False], found)
        self.assertTrue(self.identify(0, "192.0.2.2", limits))
        self.office.workers[1].admission.forget("192.0.2.1")
        self.office.flush()
        self.assertTrue(self.identify(0, "192.0.2.1", limits))

    def test_network(self) -> None:
        """So many of one network."""
        limits = Limits(connections_per_network=2)
        addresses = ("192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.1")
        found = [self.identify(number % 2, each, limits) for number, each in enumerate(addresses)]
        self.assertEqual([True, True, False, True], found)

    def test_no_limit(self) -> None:
        """Without a limit nobody is asked, and nothing is told."""
        admission = self.office.workers[0].admission
        self.assertIs(True, admission.identify("192.0.2.1", Limits()))
        admission.forget("192.0.2.1")
        self.office.flush()

    def test_crash(self) -> None:
        """The addresses of a worker that died do not count."""
        limits = Limits(connections_per_address=1)
        self.identify(0, "192.0.2.1", limits)
        self.assertFalse(self.identify(1, "192.0.2.1", limits))
        self.office.crash(0)
        self.assertTrue(self.identify(1, "192.0.2.1", limits))

    def test_cancelled(self) -> None:
        """A client that leaves while its address is asked about does not count."""
        limits = Limits(connections_per_address=1)
        answer: Any = self.office.workers[0].admission.identify("192.0.2.1", limits)
        answer.cancel()
        self.failureResultOf(answer, CancelledError)
        self.office.flush()
        self.assertTrue(self.identify(1, "192.0.2.1", limits))

    def test_without_supervisor(self) -> None:
        """Nobody is let in unseen."""
        self.office.orphan(0)
        self.assertFalse(self.identify(0, "192.0.2.1", Limits(connections_per_address=9)))
