"""Sorting by a function: in order, stable, with few questions, and not in one go."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.limits.turns import MANY
from smtpgate.hsl.values.sorting import order
from tests.support.pauses import counted


class SortingTests(SynchronousTestCase):
    """order()."""

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(st.lists(st.integers(0, 20)), st.integers(1, 5))
    def test_merged(self, keys: list[int], many: int) -> None:
        """However small the runs are, the order is that of a stable sort, up and down."""
        with patch("smtpgate.hsl.values.sorting.MANY", many):
            self.assertEqual(
                order(keys, lambda a, b: a < b), sorted(range(len(keys)), key=keys.__getitem__)
            )
            self.assertEqual(
                order(keys, lambda a, b: a > b),
                sorted(range(len(keys)), key=lambda at: -keys[at]),
            )

    def test_sorted_already(self) -> None:
        """A sorted row costs about one question an item, whatever its size."""
        asked = 0

        def less(left: int, right: int) -> bool:
            nonlocal asked
            asked += 1
            return left < right

        count = 10 * MANY
        self.assertEqual(order(range(count), less), list(range(count)))
        self.assertLess(asked, count + 20)

    def test_no_order(self) -> None:
        """A function that contradicts itself loses no item."""
        with patch("smtpgate.hsl.values.sorting.MANY", 3):
            for answer in (True, False):
                found = order(range(50), lambda _left, _right, answer=answer: answer)
                self.assertEqual(sorted(found), list(range(50)))

    def test_gives_way(self) -> None:
        """There is a pause for each run and within each merger; none in a small row."""
        with counted() as small:
            order(range(MANY), lambda a, b: a < b)
        self.assertEqual(small.pauses, 0)
        with counted() as large:
            order([at * 7919 % 40_009 for at in range(8 * MANY)], lambda a, b: a < b)
        self.assertGreater(large.pauses, 8 + 3 * 8)
