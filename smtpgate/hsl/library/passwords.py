"""The operating system's crypt(3), bounded in work (manual: Cryptographic, crypt).

Python's own ``crypt`` module left with Python 3.13, and the packages that
bring it back have no wheels, so the C library is called directly.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from functools import lru_cache

from smtpgate.hsl.builtin import String, builtin
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library.capabilities import slow
from smtpgate.hsl.runtime.execution import Execution

# libxcrypt with and without glibc's interface, then C libraries that have it inside.
_LIBRARIES = ("libcrypt.so.1", "libcrypt.so.2", None)

#: libxcrypt's own limit; hashing time grows with the key in some schemes.
MAX_KEY = 512

# What a salt looks like, with its count of rounds as group 1, and the most that
# is allowed: each takes about a tenth of a second on today's machines.
_SCHEMES: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"\$[56]\$(?:rounds=([0-9]+)\$|(?!rounds=))"), 200_000),  # SHA-crypt
    (re.compile(r"\$2[abxy]\$([0-9]{2})\$"), 12),  # bcrypt, logarithm of rounds
    (re.compile(r"\$g?y\$j[./0-9AB][./0-9A-T]\$"), 0),  # yescrypt, N up to 2**14, r up to 32
    (re.compile(r"\$7\$[./0-9A-C][./0-9A-U]\.{4}/\.{4}"), 0),  # scrypt, likewise
    (re.compile(r"\$sha1\$([0-9]+)\$"), 200_000),  # NetBSD's
    (re.compile(r"\$md5(?:,rounds=([0-9]+))?\$"), 50_000),  # SunMD5
    (re.compile(r"\$1\$"), 0),  # MD5-crypt
    (re.compile(r"\$3\$"), 0),  # NT
    (re.compile(r"_[./0-9A-Za-z]{3}[./01]"), 0),  # BSDi, up to 2**20 rounds
    (re.compile(r"[./0-9A-Za-z]{2}"), 0),  # DES
)

# Of these only the cheap ones are above.
_DEAR = re.compile(r"\$g?y\$|\$7\$|_")


def _check_work(salt: str) -> bool:
    """Whether the salt is of a known scheme.

    :raises Fault: if it asks for more work than is allowed
    """
    for pattern, most in _SCHEMES:
        found = pattern.match(salt)
        if found is None:
            continue
        rounds = found[1] if pattern.groups else None
        if rounds is not None and (len(rounds) > 9 or int(rounds) > most):
            raise Fault(
                f"crypt(): the salt asks for {rounds[:20]} rounds, at most {most} are allowed"
            )
        return True
    if _DEAR.match(salt):
        raise Fault("crypt(): the salt asks for more work than is allowed")
    return False


@lru_cache(maxsize=1)
def _system_crypt() -> Callable[[bytes, bytes], bytes | None]:
    for name in _LIBRARIES:
        try:
            function = ctypes.CDLL(name).crypt
        except (OSError, AttributeError):
            continue
        function.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
        function.restype = ctypes.c_char_p
        # Its result is in static memory: c_char_p copies it, and scripts run in one thread.
        made: Callable[[bytes, bytes], bytes | None] = function
        return made
    raise Fault("crypt() is not available on this system")


@builtin("crypt")
def crypt(execution: Execution, key: String, salt: String) -> String | None:
    """Hash a password as the operating system's ``crypt()`` does.

    With a stored hash as the salt, the result is that hash if the password is
    right.  The schemes are the system's; those whose salt can ask for more work
    are allowed it within bounds (bcrypt cost 12, 200,000 rounds of SHA-crypt).

    :param string key: the password, at most 512 octets
    :param string salt: the salt, or a stored hash
    :return: the hash; none if the system does not know the salt's scheme
    :rtype: string or none

    .. code-block:: hsl

      $stored = ''$1$abc$jWy0FsfCoVBK.I85XpXf30'';
      echo crypt("hello", $stored) === $stored;  // => 1
    """
    # To C a NUL ends the key: "secret\\0..." would pass for "secret".
    if len(key) > MAX_KEY or "\0" in key or "\0" in salt or not _check_work(salt):
        return None
    with slow(execution):
        hashed = _system_crypt()(key.encode("latin-1"), salt.encode("latin-1"))
    # libxcrypt's answer to a salt that it does not know begins with an asterisk.
    if hashed is None or hashed.startswith(b"*"):
        return None
    return hashed.decode("latin-1")


FUNCTIONS = (crypt,)
