"""What every store of shared values must do, however it keeps them."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpgate.hsl.runtime.store import ABSENT, BUSY, CacheSlot, Sealed, Store
from smtpgate.hsl.values import Map
from tests.support.trees import same

if TYPE_CHECKING:
    from twisted.trial.unittest import SynchronousTestCase as _Case
else:
    _Case = object


def slot(key: str = "k", bucket: str = "b", size: int = 2, lru: bool = True) -> CacheSlot:
    """A place in a small cache."""
    return CacheSlot(bucket, key, size, lru)


def settled(case: _Case, answer: Any) -> Any:
    """What a script gets of a store's answer."""
    if hasattr(answer, "addCallbacks"):
        answer = case.successResultOf(answer)
    return answer.read() if isinstance(answer, Sealed) else answer


#: The test cases of several stores run the same test.
_SHARED = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.differing_executors],
)


class Ears:
    """Notes which notices were given, in their order."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def of(self, name: Any) -> Any:
        return lambda: self.heard.append(name)


class StoreTests(_Case):
    """Mixed into a ``SynchronousTestCase``, which says how to make a store.

    Where answers are Deferreds, :meth:`settle` is overridden; where notices take their
    time, :meth:`pump`.
    """

    #: Plain data of every kind that scripts can share.
    VALUES: tuple[Any, ...] = (
        None, True, False, 0.0, -0.0, 1.0, 0.1, 1e300, float("inf"), "", "text", "\0\x80\xff\r\n",
        [], [1.0, "a", None, True], [[[]]], Map(a=1.0), Map({1: "b", 0: "a"}),
        Map({"1e3": [Map({-5: None})], 7: "\xe9"}),
    )  # fmt: skip

    def make_store(self) -> Store:
        """A new and empty store."""
        raise AssertionError("a test case says which store it tests")

    def settle(self, answer: Any) -> Any:
        """What a method of the store answers in the end."""
        return settled(self, answer)

    def pump(self) -> None:
        """Let notices come that are on their way."""

    def setUp(self) -> None:
        super().setUp()
        self.store = self.make_store()
        self.ears = Ears()

    def is_(self, found: Any, expected: Any) -> None:
        self.assertTrue(found is expected, f"{found!r} is not {expected!r}")

    def equals(self, found: Any, expected: Any) -> None:
        self.assertEqual(found, expected)

    def begin(self, at: CacheSlot, now: float, name: Any = "ready") -> Any:
        return self.settle(self.store.cache_begin(at, now, self.ears.of(name)))

    def end(self, at: CacheSlot, value: Any, now: float = 0.0, ttl: float = 60.0) -> None:
        self.settle(self.store.cache_end(at, value, now, ttl))
        self.pump()

    def keep(self, at: CacheSlot, value: Any, now: float = 0.0, ttl: float = 60.0) -> None:
        """Miss, and cache a value."""
        self.is_(self.settle(self.store.cache_claim(at, self.ears.of("claimed"))), ABSENT)
        self.end(at, value, now, ttl)

    def cached(self, at: CacheSlot, now: float = 0.0) -> bool:
        """Whether there is a value; changes nothing but which one was used last."""
        found = self.begin(at, now)
        if isinstance(found, tuple):
            return True
        self.is_(found, ABSENT)
        self.end(at, ABSENT, now)
        return False

    def expect_same(self, found: Any, expected: Any) -> None:
        self.assertTrue(same(found, expected), f"{found!r} is not {expected!r}")

    # --- cache ---------------------------------------------------------------

    def test_cache_hit(self) -> None:
        """A value is there until its time is over, and not at that moment any more."""
        self.is_(self.begin(slot(), 100.0), ABSENT)
        self.end(slot(), "v", now=100.0, ttl=10.0)
        self.equals(self.begin(slot(), 100.0), ("v",))
        self.equals(self.begin(slot(), 109.9), ("v",))
        self.is_(self.begin(slot(), 110.0), ABSENT)
        self.equals(self.ears.heard, [])

    def test_cache_values(self) -> None:
        """A value comes back as what it was; none is a value as well."""
        for value in self.VALUES:
            self.keep(slot(), value)
            (found,) = self.begin(slot(), 1.0)
            self.expect_same(found, value)
            self.expect_same(self.settle(self.store.cache_old(slot())), value)

    def test_cache_places(self) -> None:
        """Keys and buckets do not touch each other, whatever octets they have."""
        names = ["", "k", "K", "k\0", "\xff", "k" * 300]
        places = [slot(key, bucket, 10) for key in names for bucket in names]
        for number, place in enumerate(places):
            self.keep(place, float(number))
        for number, place in enumerate(places):
            self.equals(self.begin(place, 1.0), (float(number),))

    def test_cache_old(self) -> None:
        """A miss can ask for the value that it replaces, also for one whose time is over."""
        self.is_(self.settle(self.store.cache_old(slot())), ABSENT)
        self.keep(slot(), "first", ttl=10.0)
        self.is_(self.begin(slot(), 20.0), ABSENT)
        self.equals(self.settle(self.store.cache_old(slot())), "first")
        self.end(slot(), "second", now=20.0)
        self.equals(self.settle(self.store.cache_old(slot())), "second")

    def test_cache_claim(self) -> None:
        """Who claims works, though there is a value; others read that meanwhile."""
        self.keep(slot(), "old")
        self.is_(self.settle(self.store.cache_claim(slot(), self.ears.of("a"))), ABSENT)
        self.equals(self.begin(slot(), 1.0), ("old",))
        self.is_(self.settle(self.store.cache_claim(slot(), self.ears.of("b"))), BUSY)
        self.equals(self.ears.heard, [])
        self.end(slot(), "new", now=1.0)
        self.equals(self.ears.heard, ["b"])
        self.equals(self.begin(slot(), 1.0), ("new",))

    def test_cache_concurrent_misses(self) -> None:
        """One works, the others are told once when it has ended, in their order."""
        self.is_(self.begin(slot(), 0.0, "a"), ABSENT)
        for name in "bcd":
            self.is_(self.begin(slot(), 0.0, name), BUSY)
        self.is_(self.begin(slot("other"), 0.0, "e"), ABSENT)
        self.end(slot("other"), 1.0)
        self.equals(self.ears.heard, [])
        self.end(slot(), "v")
        self.equals(self.ears.heard, ["b", "c", "d"])
        self.equals(self.begin(slot(), 1.0), ("v",))
        self.keep(slot(), "w")
        self.equals(self.ears.heard, ["b", "c", "d"])

    def test_cache_failed_work(self) -> None:
        """Work without a result frees the place and leaves an older value where it is."""
        self.keep(slot(), "old", ttl=1.0)
        self.is_(self.begin(slot(), 5.0, "a"), ABSENT)
        self.is_(self.begin(slot(), 5.0, "b"), BUSY)
        self.end(slot(), ABSENT, now=5.0)
        self.equals(self.ears.heard, ["b"])
        self.is_(self.begin(slot(), 5.0, "b"), ABSENT)
        self.equals(self.settle(self.store.cache_old(slot())), "old")

    def test_cache_nothing_kept(self) -> None:
        """Without time or room nothing is kept, and the place is free again."""
        for size, ttl in ((2, 0.0), (2, -1.0), (0, 60.0)):
            place = slot(size=size)
            self.is_(self.begin(place, 0.0, "a"), ABSENT)
            self.is_(self.begin(place, 0.0, "b"), BUSY)
            self.end(place, "v", ttl=ttl)
            self.is_(self.begin(place, 0.0, "c"), ABSENT)
            self.end(place, ABSENT)
        self.equals(self.ears.heard, ["b", "b", "b"])

    def test_cache_lru(self) -> None:
        """Of a full bucket the value goes that was used least recently."""
        self.keep(slot("a"), 1.0)
        self.keep(slot("b"), 2.0)
        self.equals(self.begin(slot("a"), 1.0), (1.0,))
        self.keep(slot("c"), 3.0)
        self.equals([self.cached(slot(key), 1.0) for key in "abc"], [True, False, True])

    def test_cache_without_lru(self) -> None:
        """A full bucket takes nothing new in until the time of a value is over."""
        first, second, third = (slot(key, lru=False) for key in "abc")
        self.keep(first, 1.0, ttl=10.0)
        self.keep(second, 2.0)
        self.keep(third, 3.0)
        self.equals(
            [self.cached(each, 1.0) for each in (first, second, third)], [True, True, False]
        )
        self.keep(second, 4.0, now=1.0)
        self.equals(self.begin(second, 1.0), (4.0,))
        self.keep(third, 3.0, now=10.0)
        self.equals(
            [self.cached(each, 10.0) for each in (first, second, third)], [False, True, True]
        )

    def test_cache_smallest_size(self) -> None:
        """Calls that share a bucket share its room: the smallest size among them rules."""
        for number, key in enumerate("abcd"):
            self.keep(slot(key, size=4), float(number))
        self.keep(slot("e", size=2), 5.0)
        self.equals([self.cached(slot(key, size=4)) for key in "abcde"], [False] * 3 + [True] * 2)

    def test_cache_clear(self) -> None:
        """A bucket that is cleared is empty; work goes on, other buckets stay."""
        self.keep(slot("a"), 1.0)
        self.keep(slot("a", "other"), 2.0)
        self.is_(self.begin(slot("b"), 0.0, "x"), ABSENT)
        self.settle(self.store.cache_clear("b"))
        self.settle(self.store.cache_clear("never heard of"))
        self.is_(self.begin(slot("b"), 0.0, "y"), BUSY)
        self.end(slot("b"), 3.0)
        self.equals(self.ears.heard, ["y"])
        self.equals(
            [self.cached(each) for each in (slot("a"), slot("b"), slot("a", "other"))],
            [False, True, True],
        )

    @settings(_SHARED, max_examples=60)
    @given(
        st.lists(
            st.tuples(st.sampled_from("abcde"), st.integers(0, 4), st.integers(1, 12)), max_size=40
        )
    )
    def test_cache_model(self, calls: list[tuple[str, int, int]]) -> None:
        """Any row of calls finds what a plain ordered dictionary would have."""
        self.store = self.make_store()
        size = 3
        model: OrderedDict[str, tuple[Any, float]] = OrderedDict()
        now = 0.0
        for number, (key, passed, ttl) in enumerate(calls):
            now += passed
            found = self.begin(slot(key, size=size), now)
            if key in model and model[key][1] > now:
                self.equals(found, (model[key][0],))
                model.move_to_end(key)
                continue
            self.is_(found, ABSENT)
            self.end(slot(key, size=size), float(number), now, float(ttl))
            if key not in model and len(model) >= size:
                model = OrderedDict(item for item in model.items() if item[1][1] > now)
                if len(model) >= size:
                    model.popitem(last=False)
            model[key] = (float(number), now + ttl)
            model.move_to_end(key)

    # --- barriers ------------------------------------------------------------

    def enter(self, name: str, ticket: object, called: Any) -> bool:
        entered = self.settle(self.store.barrier_enter(name, ticket, self.ears.of(called)))
        return bool(entered)

    def leave(self, name: str, ticket: object, value: Any) -> None:
        self.settle(self.store.barrier_leave(name, ticket, value))
        self.pump()

    def forget(self, name: str, ticket: object) -> None:
        self.settle(self.store.barrier_forget(name, ticket))
        self.pump()

    def value(self, name: str) -> Any:
        return self.settle(self.store.barrier_value(name))

    def test_barrier_order(self) -> None:
        """One is inside; the others come in the order in which they asked."""
        tickets = [object() for _ in range(4)]
        self.equals([self.enter("n", each, place) for place, each in enumerate(tickets)],
                    [True, False, False, False])  # fmt: skip
        for number in range(3):
            self.equals(self.ears.heard, list(range(1, number + 1)))
            self.leave("n", tickets[number], float(number))
        self.equals(self.ears.heard, [1, 2, 3])
        self.leave("n", tickets[3], "last")
        self.equals(self.value("n"), "last")
        self.equals(self.enter("n", tickets[0], "again"), True)

    def test_barrier_names(self) -> None:
        """Barriers with different names have nothing to do with each other."""
        tickets = {name: object() for name in ("", "n", "N", "n\0", "\xff")}
        for name, ticket in tickets.items():
            self.equals(self.enter(name, ticket, name), True)
        for name, ticket in tickets.items():
            self.leave(name, ticket, name)
        self.equals([self.value(name) for name in tickets], list(tickets))

    def test_barrier_values(self) -> None:
        """The shared variable comes back as what it was, to whoever is inside."""
        self.is_(self.value("n"), ABSENT)
        for value in self.VALUES:
            ticket = object()
            self.enter("n", ticket, "")
            self.leave("n", ticket, value)
            self.expect_same(self.value("n"), value)
        ticket = object()
        self.enter("n", ticket, "")
        self.leave("n", ticket, ABSENT)
        self.is_(self.value("n"), ABSENT)

    def test_barrier_forget_waiting(self) -> None:
        """Who leaves the queue is never let in; the others keep their places."""
        holder, second, third, fourth = (object() for _ in range(4))
        for ticket, name in ((holder, 1), (second, 2), (third, 3), (fourth, 4)):
            self.enter("n", ticket, name)
        self.forget("n", third)
        self.leave("n", holder, 1.0)
        self.leave("n", second, 2.0)
        self.equals(self.ears.heard, [2, 4])

    def test_barrier_forget_holder(self) -> None:
        """Who is gone from inside wrote nothing, and the next one comes in."""
        holder, second = object(), object()
        self.enter("n", holder, 1)
        self.leave("n", holder, "kept")
        self.enter("n", holder, 1)
        self.enter("n", second, 2)
        self.forget("n", holder)
        self.equals(self.ears.heard, [2])
        self.equals(self.value("n"), "kept")
        self.forget("n", second)
        self.equals(self.enter("n", holder, 1), True)

    def test_barrier_strangers(self) -> None:
        """Who is not inside changes nothing, and can be forgotten without harm."""
        holder, second, stranger = object(), object(), object()
        self.forget("n", stranger)
        self.enter("n", holder, 1)
        self.enter("n", second, 2)
        self.leave("n", stranger, "no")
        self.leave("n", second, "no")
        self.forget("n", stranger)
        self.equals(self.ears.heard, [])
        self.is_(self.value("n"), ABSENT)
        self.leave("n", holder, "yes")
        self.equals(self.ears.heard, [2])
        self.equals(self.value("n"), "yes")

    def test_barrier_write(self) -> None:
        """The variable can be written and taken away while one stays inside."""
        holder, second = object(), object()
        self.enter("n", holder, 1)
        self.enter("n", second, 2)
        self.settle(self.store.barrier_write("n", "v"))
        self.pump()
        self.equals(self.value("n"), "v")
        self.equals(self.ears.heard, [])
        self.settle(self.store.barrier_write("n", ABSENT))
        self.settle(self.store.barrier_write("n", ABSENT))
        self.is_(self.value("n"), ABSENT)

    # --- rates ---------------------------------------------------------------

    def add(
        self,
        now: float,
        count: int = 2,
        interval: float = 10.0,
        entry: str = "e",
        namespace: str = "n",
    ) -> bool:
        answer = self.settle(self.store.rate_add(namespace, entry, count, interval, now))
        self.assertIsInstance(answer, bool)
        return bool(answer)

    def count(self, now: float, interval: float = 10.0, entry: str = "e") -> int:
        return int(self.settle(self.store.rate_count("n", entry, interval, now)))

    def test_rate_window(self) -> None:
        """As many as allowed lie within the window, which slides; no other call counts."""
        self.equals([self.add(now) for now in (0.0, 4.0, 5.0, 9.9)], [True, True, False, False])
        self.equals(self.add(10.0), True)
        self.equals(self.add(13.9), False)
        self.equals(self.add(14.0), True)
        self.equals(self.count(14.0), 2)

    def test_rate_count(self) -> None:
        """To ask how many there are counts nothing, and takes any window."""
        self.equals(self.count(0.0), 0)
        for now in (0.0, 1.0, 2.0):
            self.add(now, count=9)
        self.equals([self.count(2.0, interval) for interval in (0.5, 1.0, 1.5, 2.5)], [1, 1, 2, 3])
        self.equals([self.count(now) for now in (9.9, 10.0, 11.5, 12.0)], [3, 2, 1, 0])
        self.equals(self.count(2.0, 2.5), 3)

    def test_rate_windows(self) -> None:
        """Two windows on one entry count the same times, and neither forgets the other's."""
        for now in (0.0, 10.0, 20.0, 30.0):
            self.equals(self.add(now, 2, 10.0), True)
            self.equals(self.add(now + 5.0, 9, 86_400.0), True)
        self.equals(self.add(36.0, 2, 10.0), False)
        self.equals([self.add(36.0, 9, 86_400.0) for _ in range(2)], [True, False])
        self.equals([self.count(36.0, window) for window in (10.0, 86_400.0)], [3, 9])
        self.equals(self.count(86_410.0, 86_400.0), 6)
        self.equals(self.add(86_410.0, 1, 10.0), True)

    def test_rate_names(self) -> None:
        """Entries and namespaces are counted each on its own."""
        names = ["", "a", "a\0", "\0a", "\xff"]
        places = [(entry, namespace) for entry in names for namespace in names]
        for entry, namespace in places:
            self.equals(self.add(0.0, 1, 10.0, entry, namespace), True)
        for entry, namespace in places:
            self.equals(self.add(0.0, 1, 10.0, entry, namespace), False)

    @settings(_SHARED, max_examples=60)
    @given(st.lists(st.integers(0, 6), max_size=30), st.integers(1, 4))
    def test_rate_model(self, gaps: list[int], count: int) -> None:
        """Any row of calls is answered as a list of all the times would."""
        self.store = self.make_store()
        taken: list[float] = []
        now = 0.0
        for gap in gaps:
            now += gap
            within = sum(time > now - 10.0 for time in taken)
            self.equals(self.count(now), within)
            allowed = self.add(now, count)
            self.equals(allowed, within < count)
            if allowed:
                taken.append(now)


__all__ = ["Ears", "StoreTests", "slot"]
