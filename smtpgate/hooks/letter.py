"""A message before the scripts of end of data: what they may see and change of it."""

from __future__ import annotations

from dataclasses import replace

from smtpgate.hooks.header import Header
from smtpgate.hsl.errors import Fault
from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.policy import Parcel
from smtpgate.smtp.session import Recipient, Transaction
from smtpgate.smtp.spool import Spool


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
        self.transaction = transaction
        self.sender = transaction.sender
        self.metadata: dict[str, str] = {}
        self.parcels: list[Parcel] = []
        self.recipient: Recipient | None = None
        self.actions = 0

    def addressed(self, recipient: Recipient) -> Letter:
        """The same for one recipient: what is changed of it does not change this one."""
        letter = Letter(self._spool, self.transaction)
        letter._header = None if self._header is None else self._header.copy()
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
        """A copy with the header as it is now."""
        header = self._header
        changed = header is not None and header.changed
        return Parcel(recipient, sender, header.octets() if header and changed else None, metadata)

    def everybody(self) -> tuple[Parcel, ...]:
        """A copy for each recipient of the transaction."""
        return tuple(
            self.parcel(each, self.sender, self.metadata) for each in self.transaction.recipients
        )
