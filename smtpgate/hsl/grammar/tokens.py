"""Source text to tokens.

A script is cut into tokens once.  The grammar then reads a :class:`Tokens`: a
string that has one character for each token, its *kind*.  So a place in that
string is a token's number, and a bracket costs the grammar one comparison.
Words and symbols are Manual: Introduction, Data types and literals, Operators.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, cast

import pyparsing as pp

from smtpgate.hsl.errors import Position, ScriptSyntaxError

if TYPE_CHECKING:
    from smtpgate.hsl.grammar.expressions import ExpressionReader

# The words that can not name a function.  Manual: Control structures, named functions;
# `static` is not among them there but starts `static::`.
KEYWORDS = frozenset(
    """
    and array as barrier break builtin cache case class closure constructor continue default
    echo else elseif false for foreach forever from function global if import include include_once
    isset none not object or private return static switch true unset while with""".split()  # noqa: SIM905
)

SYMBOLS = """... === !== **= <<= >>= == != =~ !~ <= >= << >> ** ++ -- += -= *= /= %= .= &= |= ^=
    => -> :: ?? && || + - * / % . & | ^ ~ ! < > = ? : ; , ( ) [ ] { }""".split()  # noqa: SIM905

# --- kinds: symbols of one character stand for themselves ----------------------

NAME = "n"
VARIABLE = "v"
NUMBER = "0"
STRING = "s"
INVALID = "\x01"
END = "\x00"
WORDS = {word: chr(0x200 + index) for index, word in enumerate(sorted(KEYWORDS))}
KINDS = {
    symbol: symbol if len(symbol) == 1 else chr(0x100 + index)
    for index, symbol in enumerate(SYMBOLS)
}

# --- the tokens ----------------------------------------------------------------

_DIGITS = r"[0-9]+(?:_[0-9]+)*+"
_PATTERNS = {
    "name": r"[A-Za-z_][A-Za-z0-9_]*+",
    "variable": r"\$[A-Za-z_][A-Za-z0-9_]*+",
    # A dot that an operand follows is the concatenation operator: `5."x"`, `$x.5`.
    "number": (
        r"(?>0[xX][0-9a-fA-F]+(?:_[0-9a-fA-F]+)*+|0[oO][0-7]+(?:_[0-7]+)*+|0[bB][01]+(?:_[01]+)*+"
        rf"|(?:{_DIGITS}(?:\.{_DIGITS}|\.(?!\.|[ \t\r\n]*[\w$\"'(\[]))?"
        rf"|(?<![\w)\]\"'])\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?)(?!\w|\.[0-9])"
    ),
    "string": r'"[^"\\]*+(?:\\.[^"\\]*+)*+"',
    "raw": r"'(?P<mark>[\x21-\x26\x28-\x7e]*+)'.*?'(?P=mark)'",
    "comment": r"/\*",  # one that does not end: the others are space
    "symbol": "|".join(map(re.escape, SYMBOLS)),
    "end": r"\Z",
    "invalid": r"'[\x21-\x26\x28-\x7e]*'|\.?[0-9][\w.]*|[\xc2-\xf4][\x80-\xbf]+|.",
}
# White space is also the no-break space, as an octet and as UTF-8.
_SPACE = r"(?:[ \t\r\n\f\v\xa0]++|\xc2\xa0|//[^\n]*+|/\*.*?\*/)*+"
TOKEN = pp.Regex(
    _SPACE + "(?:" + "|".join(f"(?P<{name}>{text})" for name, text in _PATTERNS.items()) + ")",
    re.DOTALL | re.ASCII,
).set_name("a token")
_KINDS_OF_GROUPS = {"variable": VARIABLE, "number": NUMBER, "string": STRING, "raw": STRING}

_BYTE_ORDER_MARK = "\xef\xbb\xbf"
_UTF_16 = ("\xff\xfe", "\xfe\xff")
_CURLY_QUOTES = "\u201c\u201d\u201e\u2018\u2019\u201a\xab\xbb"
_OPENING = {")": "(", "]": "[", "}": "{"}


class Tokens(str):
    """The kinds of a script's tokens; ``tokens[i]`` is the kind of token ``i``.

    The last token is always ``END``.  ``errors`` collects what the grammar finds;
    after a repair that may be wrong, errors on ``doubtful_line`` are not to be trusted.
    """

    file: str
    source: str
    texts: list[str]
    starts: list[int]
    errors: list[ScriptSyntaxError]
    doubtful_line: int
    reader: ExpressionReader
    _lines: list[int]

    @classmethod
    def scan(cls, source: str, file: str) -> Tokens:
        """Cut ``source`` (one character an octet) into tokens; never fails."""
        kinds: list[str] = []
        texts: list[str] = []
        starts: list[int] = []
        offset = len(_BYTE_ORDER_MARK) if source.startswith(_BYTE_ORDER_MARK) else 0
        words, symbols, kinds_of_groups = WORDS, KINDS, _KINDS_OF_GROUPS
        # The scanner of pyparsing would make a result object for each token: `re` does without.
        for match in cast(pp.Regex, TOKEN).re.finditer(source, offset):
            group = match.lastgroup or ""
            text = match[group]
            if group == "name":
                kind = words.get(text, NAME)
                if text == "if" and kinds and kinds[-1] == words["else"]:
                    # `else if` is one token: the grammar then sees a flat ladder.
                    kinds[-1] = words["elseif"]
                    continue
            elif group == "symbol":
                kind = symbols[text]
            elif group in kinds_of_groups:
                kind = kinds_of_groups[group]
            elif group == "end":
                break
            else:
                kind = INVALID
            kinds.append(kind)
            texts.append(text)
            starts.append(match.start(group))
            if kind == INVALID and (source[:2] in _UTF_16 or _swallows_the_rest(text)):
                break
        kinds.append(END)
        texts.append("")
        starts.append(len(source))
        tokens = cls("".join(kinds))
        tokens.file, tokens.source, tokens.texts, tokens.starts = file, source, texts, starts
        tokens.errors = []
        tokens.doubtful_line = 0
        tokens._lines = [0, *(match.end() for match in re.finditer("\n", source))]
        return tokens

    def position(self, index: int) -> Position:
        """Where token ``index`` starts."""
        start = self.starts[index]
        line = bisect_right(self._lines, start)
        return Position(self.file, line, start - self._lines[line - 1] + 1)

    def position_of(self, offset: int) -> Position:
        """Where the octet at ``offset`` of the source is."""
        line = bisect_right(self._lines, offset)
        return Position(self.file, line, offset - self._lines[line - 1] + 1)

    def line_of(self, index: int) -> int:
        return bisect_right(self._lines, self.starts[index])

    def end_of(self, index: int) -> int:
        """The offset behind token ``index``."""
        return self.starts[index] + len(self.texts[index])

    def source_line(self, line: int) -> str:
        start = self._lines[line - 1]
        end = self._lines[line] if line < len(self._lines) else len(self.source)
        return self.source[start:end].rstrip("\r\n")

    def opening_of(self, index: int, closing: str) -> int | None:
        """The bracket that a ``closing`` one at ``index`` would close, if one is open."""
        depth = 0
        opening = _OPENING[closing]
        for place in range(index - 1, -1, -1):
            kind = self[place]
            if kind == closing:
                depth += 1
            elif kind == opening:
                if depth == 0:
                    return place
                depth -= 1
        return None

    def complaint(self, index: int) -> str:
        """What is wrong with the ``INVALID`` token at ``index``."""
        text = excerpt(self.texts[index])
        if self.source[:2] in _UTF_16:
            return "the script is in UTF-16: it has to be ASCII or UTF-8"
        if text == "/*":
            return "unterminated comment: expected `*/` to end it"
        if text == '"':
            return 'unterminated string: expected `"` to end it'
        if len(text) > 1 and text[0] == "'":
            mark = text[1:-1]
            line = self.source_line(self.line_of(index))
            # With more quotes in the line it may well be a raw string.
            alone = mark and line.count("'") == 2
            advice = f"; a string is written \"{mark}\" or ''{mark}''" if alone else ""
            return f"unterminated raw string: expected `{text}` to end it{advice}"
        if text == "'":
            return "unexpected `'`: a string is written \"...\", a raw string ''...''"
        if text.isascii() and text.strip(".")[:1].isdigit():
            if self.texts[index].count(".") > 1:
                return f'`{text}` is not a number: write it as a string, "{text}"'
            return f"`{text}` is not a number"
        if text == "`":
            return "unexpected backtick: a string is written \"...\", a raw string ''...''"
        if text == "#":
            return "unexpected `#`: a comment starts with `//`"
        if text == "$":
            return "expected the name of a variable after `$`"
        if "!" <= text <= "~":
            return f"unexpected `{text}`"
        try:
            character = text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return f"unexpected character \\x{ord(text[0]):02x}"
        if character in _CURLY_QUOTES:
            return f"unexpected `{text}`: quotes are straight, \" and '"
        return f"unexpected character `{text}`"


def excerpt(text: str) -> str:
    """A piece of source for a message: on one line and not long."""
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:37] + "..."


def _swallows_the_rest(text: str) -> bool:
    """Whether nothing behind the invalid token can be trusted to be code."""
    return text in {"/*", '"'} or (len(text) > 1 and text[0] == "'")
