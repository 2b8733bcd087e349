"""The security page names every limit, with the default that it really has."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.accounts import CHECKS_AT_A_TIME
from smtpgate.config.models import Limits as Settings
from smtpgate.smtp.connection.proxyline import VERSION_1_LIMIT, VERSION_2_LIMIT
from smtpgate.smtp.session import Limits

PAGE = Path(__file__).parent.parent / "docs" / "security.rst"


class LimitTests(SynchronousTestCase):
    def test_table(self) -> None:
        """Each key of [servers.limits], once."""
        rows = re.findall(r"^``(\w+)``\s+(\d+) ", PAGE.read_text(), re.M)
        defaults = {name: field.default for name, field in Settings.model_fields.items()}
        self.assertEqual(len(rows), len(dict(rows)))
        self.assertEqual(defaults, {name: float(value) for name, value in rows})

    def test_sentences(self) -> None:
        """The limits that are fixed."""
        text = " ".join(PAGE.read_text().split())
        limits = Limits()
        for sentence in (
            f"a command has {limits.command_line} octets at most",
            f"an answer to an AUTH challenge {limits.auth_line}",
            f"{limits.backlog} octets are read ahead",
            f"{VERSION_1_LIMIT} octets, or {VERSION_2_LIMIT} in version 2",
        ):
            self.assertIn(sentence, text)
        self.assertEqual(2, CHECKS_AT_A_TIME)
