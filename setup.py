"""Packaging of smtpgate.  Settings of the tools are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "(.+)"$', (HERE / "smtpgate/__init__.py").read_text(encoding="utf-8"), re.M
)
assert VERSION is not None

# dkimpy (with PyNaCl) verifies the signatures that the library makes.
TEST = ["dkimpy>=1.1", "hypothesis>=6.100", "pynacl>=1.5"]
DOCS = ["sphinx>=7.2"]
LINT = ["mypy>=1.13", "ruff>=0.8", "towncrier>=24.8"]

setup(
    name="smtpgate",
    version=VERSION.group(1),
    description="A scriptable SMTP gateway: your script sees every command before the server does",
    long_description=(HERE / "README.rst").read_text(encoding="utf-8"),
    long_description_content_type="text/x-rst",
    license="MIT",
    python_requires=">=3.11",
    # twisted.plugins has no __init__.py here: Twisted collects such directories itself.
    # Said although it is the default: then an editable install has twisted.plugins, too.
    package_dir={"": "."},
    packages=[*find_packages(include=["smtpgate", "smtpgate.*"]), "twisted.plugins"],
    package_data={"smtpgate": ["py.typed"]},
    zip_safe=False,
    # zope.interface comes with Twisted, hyperlink with treq, typing-extensions with pydantic.
    install_requires=[
        "argon2-cffi>=23.1",
        "cryptography>=42",
        # pyspf needs it, and does not say so.
        "dnspython>=2.4",
        "greenlet>=3.0",
        "idna>=3.6",
        "pcre2>=0.5",
        "prompt_toolkit>=3.0.40",
        "pydantic>=2.6",
        "pyopenssl>=24.1",
        "pyparsing>=3.1,<4",
        "pyspf>=2.0.14",
        "scramp>=1.4.5",
        "service-identity>=24.1",
        "treq>=24.9",
        "twisted[tls]>=24.7",
    ],
    extras_require={"test": TEST, "docs": DOCS, "lint": LINT, "dev": TEST + DOCS + LINT},
    entry_points={"console_scripts": ["smtpgate = smtpgate.cli.main:main"]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: No Input/Output (Daemon)",
        "Framework :: Twisted",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Communications :: Email :: Mail Transport Agents",
        "Typing :: Typed",
    ],
)
