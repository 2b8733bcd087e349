"""Names of transactions."""

from __future__ import annotations

import os
from uuid import RFC_4122, UUID

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.uuids import STOCK, new_uuid


class UuidTests(SynchronousTestCase):
    def test_random(self) -> None:
        """Each is a random UUID in its usual form, and no two are the same."""
        names = [new_uuid() for _ in range(3 * STOCK)]
        self.assertEqual(len(set(names)), len(names))
        for name in names:
            self.assertEqual(str(UUID(name)), name)
            self.assertEqual((UUID(name).version, UUID(name).variant), (4, RFC_4122))

    def test_all_digits_vary(self) -> None:
        """Only the version is the same in all, and the variant one of four."""
        names = [new_uuid() for _ in range(1000)]
        kinds = [
            len(set(digits)) for digits in zip(*(n.replace("-", "") for n in names), strict=True)
        ]
        self.assertEqual(kinds, [16] * 12 + [1] + [16] * 3 + [4] + [16] * 15)

    def test_fork(self) -> None:
        """A fork gives other names than its parent."""
        new_uuid()  # there is a stock now
        end, other = os.pipe()
        child = os.fork()
        if child == 0:  # no more than this: the test's reactor is not the child's
            os.write(other, new_uuid().encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(other)
        with os.fdopen(end) as pipe:
            theirs = pipe.read()
        self.assertEqual(len(theirs), 36)
        self.assertNotIn(theirs, [new_uuid() for _ in range(STOCK)])
