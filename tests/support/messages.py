"""Messages that scripts build, as others read them."""

from __future__ import annotations

import email
import email.policy
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library.mime import CLASSES
from tests.support.library import call, method

MIME = CLASSES[0]


def make() -> Any:
    return call(MIME.constructor)


def text_of(part: Any, running: Any = None) -> str:
    return method(part, "toString", running=running)


def parsed(part: Any) -> Any:
    """The message as Python's email package reads it, which finds nothing wrong with it."""
    octets = text_of(part).encode("latin-1")
    message = email.message_from_bytes(octets, policy=email.policy.SMTP)
    for found in message.walk():
        assert found.defects == [], found.defects
    return message


def octets_of(text: str) -> str:
    """A script's string of UTF-8."""
    return text.encode().decode("latin-1")


class FaultCase(SynchronousTestCase):
    def fault(self, this: Any, name: str, *arguments: Any, running: Any = None) -> str:
        return str(self.assertRaises(Fault, method, this, name, *arguments, running=running))
