"""What AUTH hands to the cred portal, and what it wants back.

========================  ==================================================
mechanism                 credentials
========================  ==================================================
PLAIN, LOGIN              ``twisted.cred.credentials.UsernamePassword`` (octets)
SCRAM-SHA-256, EXTERNAL   :class:`Proven`: the exchange itself was the proof
========================  ==================================================

The portal is asked for :class:`IAccount`; the avatar's ``username`` is who the
client is from then on.  SCRAM needs an account's keys before it can prove
anything: a portal that offers it has a :class:`ScramDirectory` beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from twisted.cred.credentials import ICredentials
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface, implementer  # type: ignore[import-untyped]


class IAccount(Interface):  # type: ignore[misc]
    """The avatar of somebody who has authenticated."""

    username = Attribute("their name, a str")


class IProven(ICredentials):
    """An identity that the SASL exchange has proved; only its existence is to be checked."""

    username = Attribute("whose it is, octets")
    mechanism = Attribute("the SASL mechanism that proved it, a str")


@implementer(IProven)
@dataclass(frozen=True, slots=True)
class Proven:
    """See :class:`IProven`."""

    username: bytes
    mechanism: str


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What a server stores of a password for SCRAM, RFC 5802 3."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


class ScramDirectory(Protocol):
    """Finds an account's keys for SCRAM-SHA-256.

    ``scram_iterations`` is the count that its accounts usually have: names that do not exist
    are answered with it, so that nobody learns which names do.  ``scram_decoy_key`` makes their
    salts; it is secret, and stays the same across restarts.
    """

    @property
    def scram_iterations(self) -> int:
        """At least 4096."""

    @property
    def scram_decoy_key(self) -> bytes:
        """32 octets."""

    def scram_keys(self, username: str) -> ScramKeys | Deferred[ScramKeys | None] | None:
        """The account's keys; None when there is no such account, or it has none."""
