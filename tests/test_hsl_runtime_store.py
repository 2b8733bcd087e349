"""The store within one process."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.runtime.store import MemoryStore, Store
from tests.support.stores import StoreTests, slot


class MemoryStoreTests(StoreTests, SynchronousTestCase):
    """Everything that a store must do."""

    def make_store(self) -> Store:
        return MemoryStore()


class HousekeepingTests(SynchronousTestCase):
    """What nobody asks for any more is forgotten."""

    def test_rates_of_yesterday(self) -> None:
        """An entry that was not heard of for a day is gone at one of the next calls."""
        store = MemoryStore()
        for number in range(500):
            store.rate_add("n", str(number), 1, 60.0, 0.0)
        store.rate_add("n", "0", 9, 60.0, 86_000.0)
        for _ in range(1024):
            store.rate_add("n", "busy", 10_000, 60.0, 86_401.0)
        self.assertEqual(set(store._rates), {("n", "0"), ("n", "busy")})

    def test_rates_of_last_week(self) -> None:
        """A window that is longer than a day is not forgotten before it is over."""
        store = MemoryStore()
        day = 86_400.0
        self.assertTrue(store.rate_add("n", "weekly", 1, 7 * day, 0.0))
        for now, known in ((2 * day, True), (7 * day - 1, True), (7 * day + 1, False)):
            for _ in range(1024):
                store.rate_add("n", "busy", 10_000, 60.0, now)
            self.assertEqual(("n", "weekly") in store._rates, known, now)

    def test_refused_entry(self) -> None:
        """A rate that allows nothing keeps nothing."""
        store = MemoryStore()
        self.assertFalse(store.rate_add("n", "e", 0, 60.0, 0.0))
        self.assertEqual(store._rates, {})
        store.rate_add("n", "e", 1, 60.0, 0.0)
        self.assertFalse(store.rate_add("n", "e", 0, 60.0, 60.0))
        for _ in range(1024):
            store.rate_add("n", "busy", 10_000, 60.0, 60.0)
        self.assertEqual(set(store._rates), {("n", "busy")})

    def test_buckets_of_messages(self) -> None:
        """A bucket is gone an hour after its last value was over, unless somebody works in it."""
        store = MemoryStore()
        for number in range(500):
            store.cache_begin(slot("k", f"message {number}"), 0.0, print)
            store.cache_end(slot("k", f"message {number}"), 1.0, 0.0, 60.0)
        store.cache_begin(slot("k", "message 1"), 100.0, print)
        store.cache_end(slot("k", "message 2"), 1.0, 100.0, 60.0)
        for _ in range(1024):
            store.cache_claim(slot("k", "busy"), print)
            store.cache_end(slot("k", "busy"), 1.0, 3700.0, 60.0)
        self.assertEqual(set(store._buckets), {"message 1", "message 2", "busy"})
