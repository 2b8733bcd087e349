"""The directories that a gateway writes to: whether it could, as far as that shows without
writing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from os.path import isdir, lexists
from pathlib import Path

from smtpgate import tls
from smtpgate.config import Config, ConfigError, KeyPath
from smtpgate.smtp.server.delivery import Transport
from smtpgate.transports.folders import Folders
from smtpgate.transports.maildir import Maildir

#: Directory of certificates that the gateway has made, below the state directory.
CERTIFICATES = "certificates"
#: Directory of messages that scripts examine, below the state directory.
SPOOL = "spool"


def unwritable(config: Config, transports: Mapping[str, Transport]) -> Iterator[ConfigError]:
    """An error for each key whose directory could not be made or written to.

    It is one for `state` when all of that is in the way of what is to be below it.
    """
    told: set[KeyPath] = set()
    for key, directory, written in _needed(config, transports):
        found = _obstacle(written)
        if found is None:
            continue
        obstacle, problem = found
        if directory.is_relative_to(config.state) and config.state.is_relative_to(obstacle):
            key, directory = ("state",), config.state
        if key in told:
            continue
        told.add(key)
        if not obstacle.is_relative_to(directory):
            problem = f"cannot be made: {obstacle} {problem}"
            obstacle = directory
        yield config.error(key, f"{obstacle} {problem}, expected a writable directory")


def _needed(
    config: Config, transports: Mapping[str, Transport]
) -> Iterator[tuple[KeyPath, Path, Path]]:
    """What start and mail write to: the key, its directory, and the one that is written to."""
    certificates = config.state / CERTIFICATES
    for name, certificate in config.certificates.items():
        made = tls.self_signed_files(certificates, name)
        if certificate.self_signed and not all(file.exists() for file in made):
            yield ("certificates", name, "self_signed"), certificates, certificates
    for name, transport in transports.items():
        key: KeyPath = ("transports", name, "path")
        if isinstance(transport, Maildir):
            yield key, transport.path, transport.path / "tmp"
            yield key, transport.path, transport.path / "new"
        elif isinstance(transport, Folders) and not isdir(transport.path):
            yield key, transport.path, transport.path
    if any(server.hooks.eodonce or server.hooks.eodrcpt for server in config.servers):
        yield ("state",), config.state / SPOOL, config.state / SPOOL


def _obstacle(directory: Path) -> tuple[Path, str] | None:
    """What is in the way of files in a directory that is there or would be made."""
    while not lexists(directory):
        directory = directory.parent
    if not isdir(directory):
        return directory, "is no directory"
    if not os.access(directory, os.W_OK | os.X_OK):
        return directory, "cannot be written to"
    return None
