"""Where figures come from: the machine, its Python, the commit."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import OpenSSL

import twisted

ROOT = Path(__file__).resolve().parent.parent


def machine() -> dict[str, str]:
    """In words."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "twisted": f"Twisted {twisted.__version__}, pyOpenSSL {OpenSSL.__version__}",
    }


def commit() -> str:
    """The commit that is measured, with a ``+`` when the tree has changes; "" outside of git."""
    words = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+"]
    try:
        found = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return found.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return " ".join(value.split())
    return platform.machine()
