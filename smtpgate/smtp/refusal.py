"""What a parser says when it refuses a client's command: the parts of one SMTP reply."""

from __future__ import annotations

EnhancedCode = tuple[int, int, int]


class Refusal(Exception):
    """A command that is refused.

    `code` is the SMTP reply code, `enhanced` the enhanced status code (RFC 3463), `text` one line
    of printable ASCII. The text never holds octets of the client, so it is safe to send back.
    """

    def __init__(self, code: int, enhanced: EnhancedCode, text: str) -> None:
        super().__init__(f"{code} {'.'.join(map(str, enhanced))} {text}")
        self.code = code
        self.enhanced = enhanced
        self.text = text
