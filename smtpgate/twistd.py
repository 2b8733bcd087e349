"""What ``twistd smtpgate`` takes and does.

``smtpgate.service`` imports Twisted's SMTP code, which installs a reactor: that
must come after twistd has installed the one it was told to.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from twisted.python.usage import Options as TwistedOptions

from smtpgate.birth import nothing_is_garbage

if TYPE_CHECKING:
    from twisted.application.service import IService

DEFAULT_CONFIG = "etc/smtpgate.toml"


class Options(TwistedOptions):
    """The command line behind ``twistd smtpgate``."""

    synopsis = "[options]"
    longdesc = (
        "An SMTP gateway whose scripts see every command before the server does. Everything is in "
        "the configuration file; `smtpgate check FILE` tells what is wrong with one. SIGHUP reads "
        "it again, SIGTERM stops when messages under way are finished. Put twistd's own options "
        "in front: `twistd -n` stays in the foreground, `--uid` gives up root's rights when the "
        "ports are bound."
    )
    optParameters = (("config", "c", DEFAULT_CONFIG, "The configuration file."),)
    compData: Any = None


def makeService(options: Options) -> IService:
    """The service; errors in the configuration are printed, and the process ends with 1."""
    with nothing_is_garbage():
        from smtpgate.assembly import Problems
        from smtpgate.service import make_gateway

        install_excepthook()
        try:
            gateway: Any = make_gateway(Path(options["config"]))
        except Problems as problems:
            print(problems.render(), file=sys.stderr)  # noqa: T201
            raise SystemExit(1) from None
    service: IService = gateway
    return service


def install_excepthook() -> None:
    """Let a service that cannot start end the process with a sentence, not with a traceback."""
    from smtpgate.service import StartError

    former = sys.excepthook

    def excepthook(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, StartError):
            print(f"smtpgate: {error}", file=sys.stderr)  # noqa: T201
        else:
            former(kind, error, traceback)

    sys.excepthook = excepthook
