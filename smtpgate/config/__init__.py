"""The configuration: a TOML file, validated whole before anything starts.

``load`` gives a :class:`Config`, or raises :class:`ConfigErrors` with every error of
the file at once.  ``read`` and ``validate`` are its halves, for those who look for
more errors (in scripts) before they give up.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from .checks import check
from .document import Document, read
from .errors import ConfigError, ConfigErrors, KeyPath, name_of
from .models import (
    Auth,
    Certificate,
    Config,
    Discard,
    Hook,
    Hooks,
    Limits,
    Listener,
    LMTPRelay,
    Login,
    Maildir,
    ProxyHook,
    Relay,
    Server,
    SMTPRelay,
    Table,
    Transport,
    Users,
)
from .wording import in_our_words

__all__ = [
    "Auth", "Certificate", "Config", "ConfigError", "ConfigErrors", "Discard", "Document", "Hook",
    "Hooks", "KeyPath", "LMTPRelay", "Limits", "Listener", "Login", "Maildir", "ProxyHook", "Relay",
    "SMTPRelay", "Server", "Table", "Transport", "Users", "load", "name_of", "read", "validate",
]  # fmt: skip


def load(path: str | Path) -> Config:
    """Read and validate a configuration file.

    :raises ConfigErrors: with all errors in the order of the file
    """
    config, errors = validate(read(Path(path)))
    if config is None:
        raise ConfigErrors(errors)
    return config


def validate(document: Document) -> tuple[Config | None, list[ConfigError]]:
    """The configuration and no errors, or None and all of them in the order of the file."""
    found: dict[tuple[int, str], ConfigError] = {}
    config = None
    try:
        config = Config.model_validate(document.values, context=document.places)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            problem = document.error(*in_our_words(details))
            found.setdefault((problem.line, problem.key), problem)
    for problem in check(document):
        # One key, one error: the first says more about the value itself.
        found.setdefault((problem.line, problem.key), problem)
    if found or config is None:
        return None, sorted(found.values(), key=lambda problem: problem.line)
    config._document = document
    return config, []
