"""``python -m smtpgate``: the command ``smtpgate``, where it is not on the path."""

from __future__ import annotations

import sys

from smtpgate.cli.main import main

sys.exit(main())
