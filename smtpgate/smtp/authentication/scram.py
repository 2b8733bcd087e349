"""SCRAM-SHA-256 among the SASL mechanisms, by way of scramp."""

from __future__ import annotations

import hashlib
import hmac
import os

from scramp import ScramException, ScramMechanism
from scramp.core import ScramServer
from twisted.internet.defer import Deferred

from smtpgate.smtp.answers import when
from smtpgate.smtp.authentication.sasl import Malformed, Step, Unproven
from smtpgate.smtp.server.credentials import Proven, ScramDirectory, ScramKeys
from smtpgate.smtp.server.policy import Challenge

_MECHANISM = ScramMechanism("SCRAM-SHA-256")
#: Octets of a client's first message: a long name and a nonce.  Preparing a name (RFC 4013) costs
#: so much that a line full of it would hold up everybody.
_FIRST_LIMIT = 1024


class ScramSHA256:
    """SCRAM-SHA-256, RFC 5802 and 7677, without channel binding."""

    def __init__(self, directory: ScramDirectory) -> None:
        self._directory = directory
        self._server: ScramServer | None = None
        self._username = ""
        self._signature = ""

    def respond(self, response: bytes | None) -> Step | Deferred[Step]:
        if response is None:
            return Challenge(b"")
        if self._signature:
            if response:  # the client has nothing to add to our proof
                raise Malformed
            return Proven(self._username.encode(), "SCRAM-SHA-256")
        try:
            message = response.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed from None
        return self._first(message) if self._server is None else self._final(message)

    def _first(self, message: str) -> Step | Deferred[Step]:
        if len(message) > _FIRST_LIMIT:
            raise Malformed
        # scramp asks for the keys at once, and ours may take time: a first try only reads the name.
        names: list[str] = []
        try:
            _MECHANISM.make_server(names.append).set_client_first(message)
        except (ScramException, ValueError, TypeError):
            if not names:
                raise Malformed from None
        self._username = names[0]
        keys = self._directory.scram_keys(self._username)
        return when(keys, lambda keys: self._begin(message, keys))

    def _begin(self, message: str, keys: ScramKeys | None) -> Step:
        found = keys or self._decoy()
        server = _MECHANISM.make_server(
            lambda _: (found.salt, found.stored_key, found.server_key, found.iterations)
        )
        server.set_client_first(message)
        self._server = server
        return Challenge(server.get_server_first().encode())

    def _decoy(self) -> ScramKeys:
        """Keys for a name that does not exist; its salt is the same each time it is asked for."""
        key = self._directory.scram_decoy_key
        salt = hmac.digest(key, self._username.encode(), hashlib.sha256)
        return ScramKeys(
            salt[:16], self._directory.scram_iterations, os.urandom(32), os.urandom(32)
        )

    def _final(self, message: str) -> Step:
        assert self._server is not None
        try:
            self._server.set_client_final(message)
            self._signature = self._server.get_server_final()
        except (ScramException, ValueError):
            raise Unproven from None
        return Challenge(self._signature.encode())
