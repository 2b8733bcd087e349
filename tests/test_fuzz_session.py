"""Random octets for random servers: no exception, no end of replies, nothing that stays.

``SMTPGATE_FUZZ_SECONDS`` says how long (12 by default), ``SMTPGATE_FUZZ_SEED`` which session is
the first: set it to a session that failed, with a fraction of a second, to play it again.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import io
import os
import time
import tracemalloc
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp import arrival
from tests.support.fuzzing import Fuzzed, corpus
from tests.support.smtp import TLS

SECONDS = float(os.environ.get("SMTPGATE_FUZZ_SECONDS", "12"))
SEED = int(os.environ.get("SMTPGATE_FUZZ_SEED", "1"))
#: Seconds of processor time after which a session hangs; the slowest takes a tenth of it.
HANGS = 10.0


class SessionFuzzTests(SynchronousTestCase):
    """Without sockets, so that there are many."""

    def setUp(self) -> None:
        self.patch(arrival, "tls_info", lambda handle, starttls: TLS)

    def play(self, seed: int) -> None:
        faulthandler.dump_traceback_later(120, exit=True)  # a loop without end
        began = time.process_time()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                Fuzzed(seed).play()
        except Exception as error:
            raise AssertionError(f"SMTPGATE_FUZZ_SEED={seed}: {error!r}") from error
        finally:
            faulthandler.cancel_dump_traceback_later()
        self.assertLess(time.process_time() - began, HANGS, f"SMTPGATE_FUZZ_SEED={seed}")
        errors = self.flushLoggedErrors()
        self.assertEqual([], errors, f"SMTPGATE_FUZZ_SEED={seed}")

    def test_random_sessions(self) -> None:
        """Each ends as it should, whatever it was."""
        self.assertGreater(len(corpus()), 10)
        until = time.monotonic() + SECONDS
        seed = SEED
        while time.monotonic() < until or seed == SEED:
            self.play(seed)
            seed += 1
        print(f"{seed - SEED} sessions")

    def test_nothing_grows(self) -> None:
        """The same sessions again and again leave no memory behind."""
        with mock.patch.object(gc, "collect", gc.collect):
            for seed in range(60):
                self.play(seed)
            tracemalloc.start()
            self.addCleanup(tracemalloc.stop)
            figures = []
            for _ in range(3):
                for seed in range(60):
                    self.play(seed)
                gc.collect()
                figures.append(tracemalloc.get_traced_memory()[0])
        self.assertLess(figures[2] - figures[1], 60 * 500, figures)
