"""Functions of no other chapter (manual: Misc)."""

from __future__ import annotations

import hmac
import re
from email.utils import formatdate, make_msgid
from functools import lru_cache
from pathlib import Path
from uuid import uuid4

from smtpgate.hsl.builtin import (
    ARRAY,
    BOOLEAN,
    NO_OPTIONS,
    STRING,
    Array,
    Boolean,
    Integer,
    Number,
    Option,
    Options,
    String,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import submission
from smtpgate.hsl.library.capabilities import capability
from smtpgate.hsl.library.mime import MIME
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.values import arrays, literal, to_number, type_name

#: Where systems keep their machine-id(5).
MACHINE_IDS = ("/etc/machine-id", "/var/lib/dbus/machine-id")


@lru_cache(maxsize=1)
def machine_serial() -> str | None:
    """This machine's serial number, ``None`` if it has no machine-id(5).

    The id itself is not to be told to others, as its manual says: this is a hash of it.
    """
    for path in MACHINE_IDS:
        try:
            text = Path(path).read_text("ascii").strip()
        except (OSError, UnicodeError):
            continue
        if re.fullmatch("[0-9a-f]{32}", text):
            return hmac.digest(bytes.fromhex(text), b"smtpgate", "sha256").hex()[:32]
    return None


@builtin("serial")
def serial(execution: Execution) -> String:
    """What tells this installation from others: the same always, another one on other machines.

    It is made of the machine's id (machine-id(5)); a machine without one has no serial
    number, and this is an error there.

    :return: the serial number
    :rtype: string

    .. code-block:: hsl

      echo "Reported by " . serial();  // => Reported by gateway-17
    """
    found = execution.environment.serial or machine_serial()
    if found is None:
        raise Fault("serial() is not available here")
    return found


@builtin("gethostname")
def gethostname(execution: Execution) -> String:
    """The host name of this installation, as the configuration has it.

    :return: the host name
    :rtype: string

    .. code-block:: hsl

      echo length(gethostname()) > 0;  // => 1
    """
    return str(execution.environment.hostname)


@builtin("uuid")
def uuid() -> String:
    """A new unique id (RFC 9562, version 4).

    :return: 36 characters
    :rtype: string

    .. code-block:: hsl

      echo length(uuid());  // => 36
    """
    return str(uuid4())


# RFC 5424 6.2.1: severities, and facilities from 0 to 23 in steps of 8.
_PRIORITIES = {
    "emerg": 0,
    "alert": 1,
    "crit": 2,
    "err": 3,
    "warning": 4,
    "notice": 5,
    "info": 6,
    "debug": 7,
}
_MOST_PRIORITY = 23 * 8 + 7


@builtin("syslog")
def syslog(execution: Execution, priority: String | Number, message: String) -> None:
    """Write a message to the log, with the session and the script that it comes from.

    :param priority: ``emerg``, ``alert``, ``crit``, ``err``, ``warning``, ``notice``,
        ``info`` or ``debug``, or its number from 0 to 7; to the number a facility may be
        added (RFC 5424), such as ``4 << 3``
    :type priority: string or number
    :param string message: the message
    :return: none

    .. code-block:: hsl

      syslog("info", "A message");
      syslog(3 + (4 << 3), "An error of the security facility");
    """
    if isinstance(priority, str):
        number = _PRIORITIES.get(priority)
        if number is None:
            names = ", ".join(_PRIORITIES)
            raise Fault(f'syslog() parameter "priority" must be one of {names}; "{priority}" given')
    elif 0 <= priority <= _MOST_PRIORITY:
        number = int(priority)
    else:
        raise Fault(
            f'syslog() parameter "priority" must be 0 to {_MOST_PRIORITY}, '
            f"{literal(priority)} given"
        )
    capability(execution, "syslog", "syslog()")(number, message, execution)


_GRAPH = re.compile(r"[a-z0-9.-]+")
_LEGEND = re.compile(r"[a-zA-Z0-9_-]+")


@builtin("stat")
def stat(execution: Execution, name: String, legends: Array) -> None:
    """Add to the statistics of a graph.

    The gateway draws no graphs: there it is an error.  Count with :func:`memory_inc`, or
    write to the log.

    :param string name: the graph's name, of ``a-z0-9.-``
    :param array legends: numbers by legend; a legend is of ``a-zA-Z0-9-_``
    :return: none

    .. code-block:: hsl

      stat("verdicts", ["passed" => 1, "refused" => 0]);
    """
    statistics = capability(execution, "statistics", "stat()")
    if _GRAPH.fullmatch(name) is None:
        raise Fault('stat() parameter "name" must be of a-z, 0-9, "." and "-"')
    numbers: dict[str, float] = {}
    for legend, value in arrays.pairs(legends):
        if _LEGEND.fullmatch(str(legend)) is None:
            raise Fault('stat() legends must be of a-z, A-Z, 0-9, "-" and "_"')
        if isinstance(value, bool) or not isinstance(value, (float, int)):
            raise Fault(f"stat() legends must have numbers, {type_name(value)} given")
        numbers[str(legend)] = to_number(value)
    statistics(name, numbers)


_RATE_OPTIONS = {
    "sync": Option((BOOLEAN,), True, "Count together with other nodes; accepted, of no effect."),
}


@builtin("rate", options=_RATE_OPTIONS, waits=True)
def rate(
    execution: Execution,
    namespace: String,
    entry: String,
    count: Integer,
    interval: Number,
    options: Options = NO_OPTIONS,
) -> Boolean | Number:
    """Allow something only so often within the last seconds.

    Each call that is allowed counts; the window slides.  All sessions and
    contexts share the rates.  A call that is not allowed does not count.

    :param string namespace: what is counted
    :param string entry: whose it is
    :param number count: how often it is allowed; 0 to ask how often it was
    :param number interval: the length of the window in seconds
    :param array options: options array
    :return: whether it is allowed; with a count of 0 the number of times
    :rtype: boolean or number

    .. code-block:: hsl

      echo rate("manual", "jo", 2, 60);  // => 1
      echo rate("manual", "jo", 2, 60);  // => 1
      echo rate("manual", "jo", 2, 60);  // => 0
      echo rate("manual", "jo", 0, 60);  // => 2
    """
    if count < 0:
        raise Fault(f'rate() parameter "count" must not be negative, {count} given')
    if not 0 < interval < float("inf"):
        raise Fault(
            'rate() parameter "interval" must be more than 0 seconds and finite, '
            f"{literal(interval)} given"
        )
    store = capability(execution, "store", "rate()")
    now = execution.environment.clock.seconds()
    if count == 0:
        return float(execution.settle(store.rate_count(namespace, entry, interval, now)))
    return bool(execution.settle(store.rate_add(namespace, entry, count, interval, now)))


_MAIL_OPTIONS = {
    "sender_name": Option((STRING,), "", "The sender's name."),
    "recipient_name": Option((STRING,), "", "The recipient's name."),
    "headers": Option((ARRAY,), [], "More headers: values by name."),
    "metadata": Option((ARRAY,), [], "Strings by name that stay with the message."),
}


def _mailbox(name: str, address: str) -> str:
    if not name:
        return address
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


@builtin("mail", options=_MAIL_OPTIONS, waits=True)
def mail(
    execution: Execution,
    sender: String | Array,
    recipient: String | Array,
    subject: String,
    body: String,
    transportid: String,
    options: Options = NO_OPTIONS,
) -> String | None:
    """Send a message of plain text; :class:`MIME` builds any other.

    The script waits until the transport has it: there is no queue.  A transport that does
    not take it is logged, and gives none.

    :param sender: the sender's address, as a string or ``[localpart, domain]``;
        ``""`` for none
    :type sender: string or array
    :param recipient: the recipient's address, likewise
    :type recipient: string or array
    :param string subject: the subject
    :param string body: the text, in UTF-8
    :param string transportid: the transport
    :param array options: options array
    :return: the message's id, or none
    :rtype: string or none

    .. code-block:: hsl

      mail("", "postmaster@example.org", "Full", "The disk is nearly full.", "local");
    """
    capability(execution, "mailer", "mail()")
    environment = execution.environment
    envelope_sender = submission.address("mail()", "sender", sender)
    envelope_recipient = submission.address("mail()", "recipient", recipient)
    author = envelope_sender or f"MAILER-DAEMON@{environment.hostname}"
    given = submission.strings("mail()", "headers", options["headers"])
    replaced = {name.lower() for name in given}
    headers = {
        "From": _mailbox(options["sender_name"], author),
        "To": _mailbox(options["recipient_name"], envelope_recipient),
        "Subject": subject,
        "Date": formatdate(environment.clock.seconds()),
        "Message-ID": make_msgid(domain=environment.hostname),
    }
    message = MIME()
    message.body = body
    for name, value in headers.items():
        if name.lower() not in replaced:
            message.add("mail()", name, value, True)
    for name, value in given.items():
        message.add("mail()", name, value, True)
    return submission.submit(
        execution,
        "mail()",
        envelope_sender,
        envelope_recipient,
        transportid,
        message.finished(environment.clock.seconds()),
        submission.strings("mail()", "metadata", options["metadata"]),
    )


FUNCTIONS = (gethostname, mail, rate, serial, stat, syslog, uuid)
