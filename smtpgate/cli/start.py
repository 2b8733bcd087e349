"""``smtpgate start``: the service in the foreground, its log on standard error."""

from __future__ import annotations

import argparse
import select
import sys
from pathlib import Path
from typing import Any

from smtpgate.birth import nothing_is_garbage
from smtpgate.twistd import DEFAULT_CONFIG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", "-c", type=Path, default=Path(DEFAULT_CONFIG), metavar="FILE",
        help="the configuration (default: %(default)s)",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    with nothing_is_garbage():
        if hasattr(select, "epoll"):  # else Twisted chooses
            from smtpgate.reactor import install

            install()
        from twisted.logger import FileLogObserver, Logger, globalLogBeginner

        from smtpgate.assembly import Problems
        from smtpgate.loglines import line
        from smtpgate.service import StartError, make_gateway

        try:
            gateway = make_gateway(options.config)
        except Problems as problems:
            print(problems.render(), file=sys.stderr)
            return 1
    observer: Any = FileLogObserver(sys.stderr, line)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    try:
        gateway.privilegedStartService()
        gateway.startService()
    except StartError as error:
        print(f"smtpgate: {error}", file=sys.stderr)
        return 1
    reactor = gateway.reactor
    reactor.addSystemEventTrigger("before", "shutdown", gateway.stopService)
    reactor.run()
    Logger(namespace="smtpgate").info("stopped")
    return 0
