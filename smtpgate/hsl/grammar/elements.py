"""The pyparsing elements that the grammar is made of.

They match kinds of tokens (see ``tokens``), so none of them skips white space.
An element's name is what the script's author reads behind "expected".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import pyparsing as pp

from smtpgate.hsl import nodes
from smtpgate.hsl.grammar import recovery
from smtpgate.hsl.grammar.reader import SyntaxFailure
from smtpgate.hsl.grammar.tokens import END, Tokens

# What `parseImpl` gives: the next place, and one token or a list of them.
Match: TypeAlias = tuple[int, Any]


class Element(pp.Token):
    """An element that starts exactly where it is tried."""

    def __init__(self) -> None:
        super().__init__()
        self.leave_whitespace()
        self.callPreparse = False
        self.mayIndexError = False


class Symbol(Element):
    """One token of a kind; it leaves no result."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__()
        self.kind = kind
        self.set_name(name)

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        if instring[loc] == self.kind:
            return loc + 1, []
        raise pp.ParseException(instring, loc, self.errmsg, self)


class Text(Symbol):
    """One token of a kind; its result is the token's text."""

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        if instring[loc] == self.kind:
            return loc + 1, cast(Tokens, instring).texts[loc]
        raise pp.ParseException(instring, loc, self.errmsg, self)


class Word(Element):
    """One token of several kinds; its result is the token's text."""

    def __init__(self, kinds: frozenset[str], name: str) -> None:
        super().__init__()
        self.kinds = kinds
        self.set_name(name)

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        if instring[loc] in self.kinds:
            return loc + 1, cast(Tokens, instring).texts[loc]
        raise pp.ParseException(instring, loc, self.errmsg, self)


class StatementEnd(Element):
    """``;``, which may be missing right before ``}``."""

    def __init__(self) -> None:
        super().__init__()
        self.set_name("`;` at the end of the statement")

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        kind = instring[loc]
        if kind == ";":
            return loc + 1, []
        if kind == "}":
            return loc, []
        raise pp.ParseException(instring, loc, self.errmsg, self)


class Expression(Element):
    """A whole expression."""

    def __init__(self) -> None:
        super().__init__()
        self.set_name("an expression")

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        reader = cast(Tokens, instring).reader
        reader.index = loc
        node = reader.whole()
        return reader.index, node


class MaybeExpression(Expression):
    """An expression, or ``None`` where one of ``ends`` comes at once."""

    def __init__(self, ends: str) -> None:
        super().__init__()
        self.ends = ends

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        if instring[loc] in self.ends:
            return loc, [None]
        return super().parseImpl(instring, loc, do_actions)


class Expressions(Expression):
    """A tuple of expressions with commas between them, up to ``end``; maybe empty."""

    def __init__(self, end: str) -> None:
        super().__init__()
        self.end = end

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        reader = cast(Tokens, instring).reader
        reader.index = loc
        found = reader.several(self.end)
        return reader.index, found


class Target(Expression):
    """What a loop assigns to."""

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        reader = cast(Tokens, instring).reader
        reader.index = loc
        node = reader.target()
        return reader.index, node


class ArrayLiteral(Expression):
    """An array literal."""

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        reader = cast(Tokens, instring).reader
        reader.index = loc
        node = reader.array()
        return reader.index, node


class Choice(pp.ParseExpression):
    """The element that the next token decides; no alternative is tried in vain."""

    def __init__(
        self, table: Mapping[str, pp.ParserElement], otherwise: pp.ParserElement, ahead: int = 0
    ) -> None:
        super().__init__([*table.values(), otherwise])
        self.leave_whitespace(recursive=False)
        self.mayIndexError = False
        self.table = dict(table)
        self.otherwise = otherwise
        self.ahead = ahead

    def enter(self, table: Mapping[str, pp.ParserElement]) -> None:
        """Add alternatives that hold this element themselves."""
        self.table.update(table)
        self.exprs.extend(table.values())

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        # Only the last token is END, and no table has it: one token ahead is there.
        kind = instring[loc + self.ahead]
        return self.table.get(kind, self.otherwise)._parse(instring, loc, do_actions)


class Sequence(pp.ParseElementEnhance):
    """``expr`` again and again up to one of ``stops``; the result is one tuple.

    A syntax error in one of them is noted, and reading goes on behind it: with one of
    ``starts``, where nothing else can begin an ``expr``.
    """

    def __init__(self, expr: pp.ParserElement, stops: str, starts: str = "") -> None:
        super().__init__(expr)
        self.leave_whitespace(recursive=False)
        self.callPreparse = False
        self.mayIndexError = False
        self.item = expr
        self.stops = stops + END
        self.starts = frozenset(starts)

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        stops, item = self.stops, self.item
        reader = cast(Tokens, instring).reader
        depth = reader.depth
        found: list[Any] = []
        while instring[loc] not in stops:
            try:
                loc, result = item._parse(instring, loc, do_actions)
            except pp.ParseBaseException as error:
                reader.reset(depth)
                loc = recovery.resume(cast(Tokens, instring), loc, error, self.starts)
            else:
                found.extend(result)
        return loc, tuple(found)


class Body(pp.ParseElementEnhance):
    """A block, or where ``single`` is given one statement; a tuple of statements."""

    def __init__(self, statements: Sequence, single: pp.ParserElement | None = None) -> None:
        super().__init__(statements)
        self.leave_whitespace(recursive=False)
        self.callPreparse = False
        self.mayIndexError = False
        self.statements = statements
        self.single = single

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        tokens = cast(Tokens, instring)
        reader = tokens.reader
        depth = reader.depth
        reader.deeper(2, loc)
        if tokens[loc] == "{":
            end, found = self.statements._parse(instring, loc + 1, do_actions)
            if tokens[end] != "}":
                raise SyntaxFailure(instring, end, "expected `}` to close the block")
            end += 1
            body: tuple[nodes.Statement, ...] = found[0]
        elif self.single is None or tokens[loc] == END:
            what = "`{`" if self.single is None else "a statement or a block `{ ... }`"
            raise SyntaxFailure(
                instring, loc, f"expected {what} after `{reader.shown(loc - 1, loc)}`"
            )
        else:
            end, found = self.single._parse(instring, loc, do_actions)
            body = tuple(found)
            if len(body) == 1 and isinstance(body[0], nodes.Block):
                body = body[0].body
        reader.depth = depth
        return end, body


class Listed(pp.ParseElementEnhance):
    """A tuple of ``expr`` with commas between them, up to ``end``; maybe empty."""

    def __init__(self, expr: pp.ParserElement, end: str) -> None:
        super().__init__(expr)
        self.leave_whitespace(recursive=False)
        self.callPreparse = False
        self.mayIndexError = False
        self.item = expr
        self.end = end

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        found: list[Any] = []
        while instring[loc] != self.end:
            loc, result = self.item._parse(instring, loc, do_actions)
            found.extend(result)
            if instring[loc] != ",":
                break
            loc += 1
        return loc, tuple(found)
