"""Calling library functions without a script."""

from itertools import repeat

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from smtpgate.hsl.library import FUNCTIONS
from smtpgate.hsl.values import Function, Map


class StubExecution:
    """The parts of an execution that functions use; its waits are over at once."""

    def __init__(self, seconds=0):
        self.clock = Clock()
        self.clock.advance(seconds)
        self.started = seconds
        self.environment = self
        self.waited = []

    def turns(self):
        return repeat(None)

    def wait(self, deferred):
        assert isinstance(deferred, Deferred)
        for call in self.clock.getDelayedCalls():
            self.waited.append(call.getTime() - self.clock.seconds())
            self.clock.advance(self.waited[-1])
        results = []
        deferred.addCallback(results.append)
        assert results == [None]


def call(name, *arguments, execution=None):
    """What the function called ``name`` returns for a script's arguments."""
    function = FUNCTIONS[name]
    function.check_arity(len(arguments))
    leading = (execution or StubExecution(),) if function.needs_execution else ()
    return function.code(*leading, *arguments)


def function(python, least=1, most=None):
    """A script's function made of a Python one."""
    return Function("callback", python, least, least if most is None else most)


def array(**items):
    """An array with string keys."""
    return Map(items)
