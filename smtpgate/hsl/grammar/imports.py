"""The grammar of `include` and `import`.  Manual: Control structures."""

from __future__ import annotations

import pyparsing as pp

from smtpgate.hsl import nodes
from smtpgate.hsl.grammar import literals
from smtpgate.hsl.grammar.elements import ArrayLiteral, Element, Listed, Match, Symbol, Text, Word
from smtpgate.hsl.grammar.phrases import Found, build, end, keyword, variable
from smtpgate.hsl.grammar.reader import SyntaxFailure
from smtpgate.hsl.grammar.tokens import NAME, STRING, VARIABLE, WORDS, Tokens


class Path(Element):
    """The string literal that names a file; it is needed before the script runs."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.set_name(f"the path of a file as a string after `{word}`")

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        if instring[loc] != STRING:
            raise pp.ParseException(instring, loc, self.errmsg, self)
        assert isinstance(instring, Tokens)
        node = literals.string(instring, loc)
        if isinstance(node, nodes.Interpolation):
            raise SyntaxFailure(instring, loc, "the path of a file can not have variables in it")
        assert isinstance(node.value, str)
        return loc + 1, nodes.Path(node.position, node.value)


def _imported(tokens: Tokens, index: int, found: Found) -> nodes.ImportedName:
    name, alias = found
    dollar = name[0] == "$"
    if alias is None:
        alias = name
    elif (alias[0] == "$") != dollar:
        what = "variable" if dollar else "function"
        raise SyntaxFailure(
            tokens, index + 2, f"`{name}` is a {what}: `{alias}` can not be its new name"
        )
    if dollar:
        name, alias = name[1:], alias[1:]
    return nodes.ImportedName(tokens.position(index), name, alias, variable=dollar)


_import_path = Symbol(WORDS["from"], "`from` and the path of a file") - Path("from")
_any_name = Word(frozenset((NAME, VARIABLE)), "the name of a function or a variable")
_imported_name = _any_name + pp.Opt(
    Symbol(WORDS["as"], "`as`") - Word(frozenset((NAME, VARIABLE)), "a new name after `as`"),
    default=None,
)
build(_imported_name, _imported)
_import = keyword("import")
import_symbols = (
    _import
    - Symbol("{", "`{`")
    - Listed(_imported_name, "}")
    - Symbol("}", "`}` to close the list of names")
    - _import_path
    - end
)
build(
    import_symbols,
    lambda tokens, index, found: nodes.ImportSymbols(tokens.position(index), *found),
)
import_module = (
    _import
    - Symbol("*", "`*`")
    - Symbol(WORDS["as"], "`as` and a name after `*`")
    - Text(NAME, "a name after `as`")
    - _import_path
    - end
)
build(
    import_module, lambda tokens, index, found: nodes.ImportModule(tokens.position(index), *found)
)
import_data = (
    _import
    - variable("`{ names }`, `* as name` or a variable after `import`")
    - _import_path
    - pp.Opt(keyword("with") - ArrayLiteral(), default=None)
    - end
)
build(import_data, lambda tokens, index, found: nodes.ImportData(tokens.position(index), *found))
include = keyword("include") - Path("include") - end
build(
    include,
    lambda tokens, index, found: nodes.Include(tokens.position(index), found[0], once=False),
)
include_once = keyword("include_once") - Path("include_once") - end
build(
    include_once,
    lambda tokens, index, found: nodes.Include(tokens.position(index), found[0], once=True),
)
