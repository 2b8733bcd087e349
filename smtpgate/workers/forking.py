"""A worker is a fork of the supervisor, with a reactor of its own.

A fork has what the supervisor has checked: the compiled scripts, keys and accounts, in memory that
both share; nothing is read again.  So a worker that replaces another one is there at once, and does
what its neighbours do, whatever has become of the files meanwhile.

What it must not have is the supervisor's reactor: the kernel's end of an epoll or kqueue is one
and the same for both.  The reactor object is known all over Twisted, so it stays, and begins a new
life: nothing waits in it, and nothing of the old one is touched in the kernel.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet import process
from twisted.internet.error import ConnectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

#: Reactors whose state is all in the object, and can be made anew.
REACTORS = ("EPollReactor", "KQueueReactor", "PollReactor", "SelectReactor")
#: Nothing of these may reach a worker before it is ready for them.
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1)


def can_fork(reactor: Any) -> bool:
    """Whether a fork of this reactor can begin a new life."""
    return any(kind.__name__ in REACTORS for kind in type(reactor).__mro__)


def fork(reactor: Any, mine: Iterable[Any], work: Callable[[], int]) -> int:
    """Make a process that does ``work``, and ends with the exit code that it returns.

    :param reactor: one that :func:`can_fork`, running or not
    :param mine: transports that are the parent's alone: just closed in the child
    :return: the child's process id
    :raises OSError: when there can be no more processes
    """
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        child = os.fork()
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        raise
    if child:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return child
    # From here on the parent's stack is below us, and we never return to it.
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        _begin_anew(reactor, mine)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        code = work()
    except BaseException:  # noqa: BLE001 (there is nobody above us who could handle it)
        Logger(namespace="smtpgate").failure("a worker failed")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _begin_anew(reactor: Any, mine: Iterable[Any]) -> None:
    """Give a forked reactor its own descriptors, and close the parent's."""
    process.reapProcessHandlers.clear()
    for transport in mine:
        if hasattr(transport, "socket"):  # else it is closed already
            transport.socket.close()
    selectables = {*reactor.getReaders(), *reactor.getWriters()}.difference(mine)
    reactor.__dict__.clear()
    reactor.__init__()
    gone = Failure(ConnectionDone())  # type: ignore[no-untyped-call]
    for each in selectables:
        # Wakers, for the most part.  The new reactor does not know them: the old one is not asked
        # to forget them, which would take them away from the parent too.
        each.connectionLost(gone)
