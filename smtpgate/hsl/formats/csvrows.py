"""The rows of a long CSV text, read with turns for others.

They are those of Python's ``csv.reader``, which holds the reactor for as long as it reads a
row: that may be the whole text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smtpgate.hsl.limits.turns import LONG, MANY, pause

#: What may stand between the quotes of a cell.
_QUOTED = re.compile(r'(?:[^"]++|"")*+')
_LINE = re.compile(r"([^\r\n]*+)(?:\r\n?|\n|\Z)")


class LongRows:
    """An iterator of the rows that are not empty, each a list of cells."""

    def __init__(self, text: str, delimiter: str) -> None:
        self._text = text
        self._delimiter = delimiter
        self._ending = re.compile(f"[{re.escape(delimiter)}\r\n]")
        #: Where the row that was given last ends.
        self._at = 0
        self._rows = self._read()

    def __iter__(self) -> Iterator[list[str]]:
        return self._rows

    @property
    def line_num(self) -> int:
        """The number of the last line of the row that was given last."""
        text, end = self._text, self._at
        lines = 0 if text[end - 1 : end] in ("\r", "\n") else 1
        for begin in range(0, end, LONG):
            stop = min(begin + LONG, end)
            lines += text.count("\n", begin, stop) + text.count("\r", begin, stop)
            # The other half of a pair may be in the next part.
            lines -= text.count("\r\n", begin, min(stop + 1, end))
            pause()
        return lines

    def _read(self) -> Iterator[list[str]]:
        text = self._text
        while self._at < len(text):
            begin, stop = self._at, min(self._at + LONG, len(text))
            end = self._whole_lines(begin, stop)
            if end > begin and text.find('"', begin, end) < 0:
                # Without quotes a line is a row.
                for line in _LINE.finditer(text, begin, end):
                    self._at = line.end()
                    if line[1]:
                        yield line[1].split(self._delimiter)
            else:
                while self._at < stop:
                    if text[self._at] in "\r\n":
                        self._at += 1
                    else:
                        yield self._row()
            pause()

    def _whole_lines(self, begin: int, stop: int) -> int:
        """Where the last line ends that is whole between two places; ``begin`` if none is."""
        text = self._text
        if stop == len(text):
            return stop
        end = max(text.rfind("\n", begin, stop), text.rfind("\r", begin, stop)) + 1
        if text[end - 1 : end + 1] == "\r\n":
            end += 1
        return max(begin, end)

    def _row(self) -> list[str]:
        """The row that begins where the last one has ended."""
        text = self._text
        cells: list[str] = []
        while True:
            cell = self._cell()
            cells.append(cell)
            if not len(cells) % MANY:
                pause()
            end = text[self._at : self._at + 1]
            self._at += 1
            if end == self._delimiter:
                continue
            if end == "\r" and text.startswith("\n", self._at):
                self._at += 1
            elif not end:
                self._at = len(text)
            return cells

    def _cell(self) -> str:
        """A cell, up to what ends it."""
        text = self._text
        parts: list[str] = []
        if text.startswith('"', self._at):
            self._quoted(parts)
        while True:
            # Behind quotes, or without them, quotes are characters as any others.
            begin = self._at
            found = self._ending.search(text, begin, begin + LONG)
            self._at = min(begin + LONG, len(text)) if found is None else found.start()
            parts.append(text[begin : self._at])
            if found is not None or self._at == len(text):
                return "".join(parts) if len(parts) > 1 else parts[0]
            pause()

    def _quoted(self, parts: list[str]) -> None:
        """What stands between quotes; they may be left open at the end of the text."""
        text = self._text
        self._at += 1
        while True:
            found = _QUOTED.match(text, self._at, self._at + LONG)
            assert found is not None
            parts.append(found[0].replace('""', '"'))
            self._at = found.end()
            if self._at == len(text):
                return
            # A part may end between two quotes that belong together.
            if text[self._at] == '"' and not text.startswith('"', self._at + 1):
                self._at += 1
                return
            pause()
