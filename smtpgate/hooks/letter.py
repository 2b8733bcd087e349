"""A message before the scripts of end of data: what they may see and change of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from smtpgate.hooks.header import Header
from smtpgate.hsl.errors import Fault
from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.mail.spool import Spool
from smtpgate.smtp.server.policy import Parcel
from smtpgate.smtp.session import Recipient, Transaction

#: Octets of all the different headers that the copies of one message have.
MOST_HEADERS = 16_777_216


class _Headers:
    """The changed headers of all copies of one message, each kept once."""

    __slots__ = ("_kept", "_size")

    def __init__(self) -> None:
        self._kept: dict[bytes, bytes] = {}
        self._size = 0

    def keep(self, header: bytes) -> bytes:
        """The one that is alike, or this one.

        :raises Fault: when there are too many
        """
        found = self._kept.get(header)
        if found is None:
            self._size += len(header)
            if self._size > MOST_HEADERS:
                raise Fault(f"the headers of all copies may have at most {MOST_HEADERS} octets")
            found = self._kept[header] = header
        return found


class Letter:
    """One message, as one evaluation has it.

    :param sender: None for ``<>``
    :param parcels: what is to be delivered
    :param recipient: for eodrcpt: whose turn it is
    :param actions: decisions about the message so far, for ``$actionid``
    """

    def __init__(self, spool: Spool, transaction: Transaction) -> None:
        self._spool = spool
        self._header: Header | None = None
        self._headers = _Headers()
        self.transaction = transaction
        self.sender = transaction.sender
        self.metadata: dict[str, str] = {}
        self.parcels: list[Parcel] = []
        self.recipient: Recipient | None = None
        self.actions = 0
        self._parameters: dict[Mailbox, Mapping[str, str]] | None = None

    def parameters(self, mailbox: Mailbox) -> Mapping[str, str]:
        """The parameters of RCPT, where the transaction has this very recipient."""
        if self._parameters is None:
            # Of several that are alike the first counts: it is written last.
            recipients = reversed(self.transaction.recipients)
            self._parameters = {each.mailbox: each.params for each in recipients}
        return self._parameters.get(mailbox, {})

    def addressed(self, recipient: Recipient) -> Letter:
        """The same for one recipient: what is changed of it does not change this one."""
        letter = Letter(self._spool, self.transaction)
        letter._header = None if self._header is None else self._header.copy()
        letter._headers = self._headers
        letter.sender = self.sender
        letter.metadata = dict(self.metadata)
        letter.recipient = replace(recipient)
        return letter

    @property
    def header(self) -> Header:
        """The header, read when it is first asked for.

        :raises Fault: when it is too long, or cannot be read
        """
        if self._header is None:
            try:
                self._header = Header(self._spool.header())
            except ValueError as error:
                raise Fault(str(error)) from None
            except OSError as error:
                raise Fault(f"the message cannot be read: {error.strerror}") from None
        return self._header

    def parcel(
        self,
        recipient: Recipient,
        sender: Mailbox | None,
        metadata: dict[str, str],
    ) -> Parcel:
        """A copy with the header as it is now.

        :raises Fault: when the copies' headers are too large in all
        """
        header = None
        if self._header is not None and self._header.changed:
            header = self._headers.keep(self._header.octets())
        return Parcel(recipient, sender, header, metadata)

    def everybody(self) -> tuple[Parcel, ...]:
        """A copy for each recipient of the transaction."""
        return tuple(
            self.parcel(each, self.sender, self.metadata) for each in self.transaction.recipients
        )
