"""The collector and what is made while the gateway starts."""

from __future__ import annotations

import gc

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.birth import nothing_is_garbage


class NothingIsGarbageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.addCleanup(gc.unfreeze)
        self.addCleanup(gc.set_threshold, *gc.get_threshold())

    def test_inside(self) -> None:
        """Nothing is collected inside, and all is as before behind."""
        self.assertTrue(gc.isenabled())
        with nothing_is_garbage():
            self.assertFalse(gc.isenabled())
        self.assertTrue(gc.isenabled())

    def test_frozen(self) -> None:
        """What was made is never looked at again, also when the start has failed."""
        before = gc.get_freeze_count()
        made: list[object] = []

        def fail() -> None:
            with nothing_is_garbage():
                made.append([])
                raise ValueError

        self.assertRaises(ValueError, fail)
        self.assertGreater(gc.get_freeze_count(), before)
        self.assertFalse(any(each is made[0] for each in gc.get_objects()))
        self.assertTrue(gc.isenabled())

    def test_rarely_full(self) -> None:
        """A million new arrays lead to no full collection, or to one."""
        with nothing_is_garbage():
            pass
        before = gc.get_stats()[2]["collections"]
        made = [[number] for number in range(1_000_000)]
        self.assertLessEqual(gc.get_stats()[2]["collections"] - before, 1)
        self.assertEqual(len(made), 1_000_000)

    def test_switched_off(self) -> None:
        """Who has switched the collector off finds it off."""
        gc.disable()
        self.addCleanup(gc.enable)
        with nothing_is_garbage():
            pass
        self.assertFalse(gc.isenabled())
