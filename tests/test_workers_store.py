"""The store as workers have it: the same questions, the same answers as in one process."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.runtime.store import ABSENT, BUSY, CacheSlot, Store
from smtpgate.hsl.values import Map
from tests.support.pauses import counted
from tests.support.stores import StoreTests, settled
from tests.support.workers import Office

SLOT = CacheSlot("bucket\0f", "[0=>1]", 2, True)
LARGE = ["x" * 200_000, Map({"a\xe9": [1.5, None, True], 7: -0.0})]


class RemoteStoreTests(StoreTests, SynchronousTestCase):
    """Everything that a store must do, for one worker."""

    def make_store(self) -> Store:
        self.office = Office(1)
        return self.office.workers[0].store

    def settle(self, answer: Any) -> Any:
        self.pump()
        return super().settle(answer)

    def pump(self) -> None:
        self.office.flush()


class SharingTests(SynchronousTestCase):
    """Two workers have one store between them."""

    def setUp(self) -> None:
        self.office = Office(2)
        self.here, self.there = (worker.store for worker in self.office.workers)

    def settled(self, answer: Any) -> Any:
        """An answer, once everybody has heard what there is to hear."""
        self.office.flush()
        return settled(self, answer)

    def told(self) -> tuple[list[str], Any]:
        heard: list[str] = []
        return heard, lambda: heard.append("called")

    # The cache

    def begin(self, store: Store, slot: CacheSlot = SLOT, now: float = 0.0) -> Any:
        return self.settled(store.cache_begin(slot, now, lambda: None))

    def put(self, key: str, value: Any, now: float = 0.0, slot: CacheSlot = SLOT) -> None:
        slot = CacheSlot(slot.bucket, key, slot.size, slot.lru)
        self.assertIs(ABSENT, self.begin(self.here, slot, now))
        self.settled(self.here.cache_end(slot, value, now, 10.0))

    def get(self, key: str, now: float = 0.0, slot: CacheSlot = SLOT) -> Any:
        """What is cached; a miss leaves nothing behind."""
        slot = CacheSlot(slot.bucket, key, slot.size, slot.lru)
        found = self.begin(self.there, slot, now)
        if found is ABSENT:
            self.settled(self.there.cache_end(slot, ABSENT, now, 0.0))
        return found

    def test_cache(self) -> None:
        """What one has worked for the other finds, until it is too old."""
        self.put("k", LARGE)
        self.assertEqual((LARGE,), self.get("k", 9.9))
        self.assertIs(ABSENT, self.get("k", 10.1))

    def test_who_reads(self) -> None:
        """A large value is read by the script that wants it, in its turns: not when it comes."""
        large = [1.0] * 100_000
        self.put("k", large)
        slot = CacheSlot(SLOT.bucket, "k", SLOT.size, SLOT.lru)
        for ask in (
            lambda: self.there.cache_begin(slot, 0.0, lambda: None),
            lambda: self.there.cache_old(slot),
        ):
            with counted() as coming:
                answer = ask()
                self.office.flush()
            with counted() as reading:
                self.assertIn(settled(self, answer), (large, (large,)))
            self.assertEqual(0, coming.pauses)
            self.assertGreater(reading.pauses, 20)

    def test_cached_none(self) -> None:
        """None is a value."""
        self.put("k", None)
        self.assertEqual((None,), self.get("k"))

    def test_cache_works_once(self) -> None:
        """While one works the other waits, and is told of the end."""
        self.assertIs(ABSENT, self.begin(self.here))
        heard, ready = self.told()
        self.assertIs(BUSY, self.settled(self.there.cache_begin(SLOT, 0.0, ready)))
        self.assertEqual([], heard)
        self.settled(self.here.cache_end(SLOT, 5.0, 0.0, 10.0))
        self.assertEqual(["called"], heard)
        self.assertEqual((5.0,), self.begin(self.there))

    def test_cache_works_for_nothing(self) -> None:
        """Work that came to nothing is told too, and the next one has to work."""
        self.begin(self.here)
        heard, ready = self.told()
        self.settled(self.there.cache_begin(SLOT, 0.0, ready))
        self.settled(self.here.cache_end(SLOT, ABSENT, 0.0, 0.0))
        self.assertEqual(["called"], heard)
        self.assertIs(ABSENT, self.begin(self.there))

    def test_cache_claim(self) -> None:
        """A claim does not care for what is cached; the old value is there to be looked at."""
        self.put(SLOT.key, "old")
        self.assertIs(ABSENT, self.settled(self.here.cache_claim(SLOT, lambda: None)))
        self.assertIs(BUSY, self.settled(self.there.cache_claim(SLOT, lambda: None)))
        self.assertEqual("old", self.settled(self.here.cache_old(SLOT)))
        self.settled(self.here.cache_end(SLOT, "new", 0.0, 10.0))
        self.assertEqual(("new",), self.begin(self.there))

    def test_no_old_value(self) -> None:
        """There is none before the first."""
        self.assertIs(ABSENT, self.settled(self.here.cache_old(SLOT)))

    def test_cache_room(self) -> None:
        """The entry that was not asked for goes first."""
        for key in "ab":
            self.put(key, key)
        self.assertEqual(("a",), self.get("a"))
        self.put("c", "c")
        self.assertEqual([("a",), ABSENT, ("c",)], [self.get(key) for key in "abc"])

    def test_cache_clear(self) -> None:
        """A bucket is forgotten, others are not."""
        other = CacheSlot("other", "k", 2, True)
        self.put("k", 1.0)
        self.put("k", 2.0, slot=other)
        self.settled(self.here.cache_clear(SLOT.bucket))
        self.assertEqual([ABSENT, (2.0,)], [self.get("k"), self.get("k", slot=other)])

    # Barriers

    def enter(self, store: Store, ticket: object, granted: Any = lambda: None) -> Any:
        return self.settled(store.barrier_enter("b", ticket, granted))

    def test_barrier(self) -> None:
        """One at a time; who waits is told, in the order of asking, and sees what was written."""
        heard: list[int] = []
        self.assertTrue(self.enter(self.here, "1"))
        self.assertFalse(self.enter(self.there, "2", lambda: heard.append(2)))
        self.assertFalse(self.enter(self.here, "3", lambda: heard.append(3)))
        self.assertIs(ABSENT, self.settled(self.here.barrier_value("b")))
        self.settled(self.here.barrier_leave("b", "1", LARGE))
        self.assertEqual([2], heard)
        self.assertEqual(LARGE, self.settled(self.there.barrier_value("b")))
        self.settled(self.there.barrier_forget("b", "2"))
        self.assertEqual([2, 3], heard)
        self.assertEqual(LARGE, self.settled(self.here.barrier_value("b")))
        self.settled(self.here.barrier_leave("b", "3", ABSENT))
        self.assertIs(ABSENT, self.settled(self.there.barrier_value("b")))

    def test_barrier_write(self) -> None:
        """Who stays inside reads what it has written; the next one does too."""
        self.enter(self.here, "1")
        for value in (1.0, None, ABSENT, "last"):
            self.settled(self.here.barrier_write("b", value))
            self.assertEqual(value, self.settled(self.here.barrier_value("b")))
        self.settled(self.here.barrier_forget("b", "1"))
        self.enter(self.there, "2")
        self.assertEqual("last", self.settled(self.there.barrier_value("b")))

    def test_leave_the_queue(self) -> None:
        """Who has left the queue is not let in."""
        heard: list[int] = []
        self.enter(self.here, "1")
        self.enter(self.there, "2", lambda: heard.append(2))
        self.enter(self.there, "3", lambda: heard.append(3))
        self.settled(self.there.barrier_forget("b", "2"))
        self.settled(self.here.barrier_forget("b", "1"))
        self.assertEqual([3], heard)

    def test_leave_in_front_of_one_inside(self) -> None:
        """Leaving the queue leaves those alone who are inside."""
        self.enter(self.here, "1")
        self.enter(self.here, "2")
        self.settled(self.here.barrier_forget("b", "2"))
        self.settled(self.here.barrier_write("b", 1.0))
        self.assertEqual(1.0, self.settled(self.here.barrier_value("b")))
        self.assertFalse(self.enter(self.there, "3"))

    def test_forget_nothing(self) -> None:
        """To leave what one is not in is nothing."""
        self.settled(self.here.barrier_forget("b", "1"))
        self.enter(self.here, "1")
        self.settled(self.here.barrier_forget("b", "other"))
        self.assertFalse(self.enter(self.there, "2"))

    def test_barriers_are_apart(self) -> None:
        """Two names are two barriers with two variables."""
        self.enter(self.here, "1")
        self.assertTrue(self.settled(self.there.barrier_enter("c", "1", lambda: None)))
        self.settled(self.here.barrier_write("b", 1.0))
        self.settled(self.there.barrier_write("c", 2.0))
        self.assertEqual(1.0, self.settled(self.here.barrier_value("b")))
        self.assertEqual(2.0, self.settled(self.there.barrier_value("c")))

    # Rates

    def test_rate(self) -> None:
        """So often within the window, whoever counts."""
        add = [
            self.settled(store.rate_add("n\xe9", "jo", 2, 60.0, now))
            for store, now in ((self.here, 0.0), (self.there, 1.0), (self.here, 2.0))
        ]
        self.assertEqual([True, True, False], add)
        self.assertEqual(2, self.settled(self.there.rate_count("n\xe9", "jo", 60.0, 2.0)))
        self.assertEqual(1, self.settled(self.there.rate_count("n\xe9", "jo", 60.0, 60.5)))
        self.assertTrue(self.settled(self.there.rate_add("n\xe9", "jo", 2, 60.0, 60.5)))
        self.assertEqual(0, self.settled(self.here.rate_count("n\xe9", "sam", 60.0, 2.0)))

    # What only happens when the asking takes time

    def test_cancelled_claim(self) -> None:
        """A script that is cancelled while it asks leaves no work behind that nobody does."""
        asked = self.here.cache_begin(SLOT, 0.0, lambda: None)
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.office.flush()
        self.assertIs(ABSENT, self.begin(self.there))

    def test_cancelled_wait(self) -> None:
        """Nobody is told of an end that it does not wait for any more."""
        self.begin(self.there)
        heard, ready = self.told()
        asked = self.here.cache_begin(SLOT, 0.0, ready)
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.office.flush()
        self.settled(self.there.cache_end(SLOT, 1.0, 0.0, 10.0))
        self.assertEqual([], heard)

    def test_cancelled_entry(self) -> None:
        """A script that is cancelled while it asks to enter is not inside, nor in the queue."""
        for taken in (False, True):
            if taken:
                self.enter(self.there, "other")
            heard, granted = self.told()
            asked = self.here.barrier_enter("b", "1", granted)
            asked.cancel()
            self.failureResultOf(asked, CancelledError)
            self.here.barrier_forget("b", "1")
            self.office.flush()
            if taken:
                self.settled(self.there.barrier_forget("b", "other"))
            self.assertEqual([], heard)
            self.assertTrue(self.enter(self.there, "2"))
            self.settled(self.there.barrier_forget("b", "2"))

    def test_grant_crosses_forget(self) -> None:
        """A place that is granted just as it is given up goes to the next one."""
        self.enter(self.there, "1")
        heard, granted = self.told()
        self.enter(self.here, "2", granted)
        self.there.barrier_forget("b", "1")
        self.here.barrier_forget("b", "2")
        self.office.flush()
        self.assertEqual([], heard)
        self.assertTrue(self.enter(self.there, "3"))

    def test_cancelled_while_another_is_inside(self) -> None:
        """To give up asking does not touch the variable of who is inside here."""
        self.enter(self.here, "1")
        self.settled(self.here.barrier_write("b", 1.0))
        asked = self.here.barrier_enter("b", "2", lambda: None)
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.here.barrier_forget("b", "2")
        self.assertEqual(1.0, self.here.barrier_value("b"))

    def test_inside_it_is_at_once(self) -> None:
        """Who is inside reads without asking."""
        self.enter(self.here, "1")
        self.here.barrier_write("b", 1.0)
        self.assertEqual(1.0, self.here.barrier_value("b"))

    def test_values_are_nobody_elses(self) -> None:
        """What was written stays as it was written."""
        value = [1.0]
        self.enter(self.here, "1")
        self.here.barrier_write("b", value)
        value.append(2.0)
        self.assertEqual([1.0], self.here.barrier_value("b"))

    # When a process ends

    def test_crash(self) -> None:
        """What a worker held when it died is free: barriers, queues, work for the cache.

        The variable of a barrier that it was in is as it was.
        """
        heard: list[str] = []
        self.enter(self.here, "inside")
        self.settled(self.here.barrier_leave("b", "inside", "before"))
        self.enter(self.here, "inside again")
        self.settled(self.here.barrier_write("b", "half done"))
        self.enter(self.here, "queued")
        self.enter(self.there, "next", lambda: heard.append("barrier"))
        self.begin(self.here)
        self.settled(self.there.cache_begin(SLOT, 0.0, lambda: heard.append("cache")))
        self.office.crash(0)
        self.office.flush()
        self.assertEqual(["barrier", "cache"], sorted(heard))
        self.assertEqual("before", self.settled(self.there.barrier_value("b")))
        self.assertIs(ABSENT, self.begin(self.there))

    def test_without_supervisor(self) -> None:
        """Who waits when the supervisor dies, or asks later, gets a fault; to tell does nothing."""
        waiting = [
            self.here.cache_begin(SLOT, 0.0, lambda: None),
            self.here.barrier_enter("b", "1", lambda: None),
            self.here.rate_add("n", "e", 1, 1.0, 0.0),
        ]
        self.office.orphan(0)
        waiting.append(self.here.rate_count("n", "e", 1.0, 0.0))
        for answer in waiting:
            fault = self.failureResultOf(answer, Fault)
            self.assertEqual(
                "what sessions share is out of reach: the supervisor is gone", str(fault.value)
            )
        self.here.barrier_forget("b", "1")
        self.here.cache_end(SLOT, 1.0, 0.0, 1.0)
