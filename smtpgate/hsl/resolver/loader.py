"""The files of a script: includes, modules and imported data, read once each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.errors import Fault, Position, ScriptErrors
from smtpgate.hsl.grammar import parse
from smtpgate.hsl.sources import ScriptFileError, Sources
from smtpgate.hsl.values import Map, Value

Complain = Callable[[str, Position], None]

_DEEPEST = 50


class Loader:
    """Parses each file once; errors in files become errors of the whole compilation."""

    def __init__(
        self, sources: Sources, complain: Complain, failed: Callable[[ScriptErrors], None]
    ):
        self._sources = sources
        self._complain = complain
        self._failed = failed
        self._programs: dict[str, nodes.Program | None] = {}
        #: Display names of the files being included or imported right now, outermost first.
        self.open: list[str] = []

    def name(self, path: nodes.Path) -> str | None:
        """The display name of a file, which is parsed by now; ``None`` after a complaint."""
        at = path.position
        found = self._read(path)
        if found is None:
            return None
        name, text = found
        if name in self.open:
            chain = " -> ".join([*self.open[self.open.index(name) :], name])
            self._complain(f"cyclic inclusion: {chain}", at)
            return None
        if len(self.open) >= _DEEPEST:
            self._complain("files are included too deeply", at)
            return None
        if name not in self._programs:
            try:
                self._programs[name] = parse(text, name)
            except ScriptErrors as errors:
                self._programs[name] = None
                self._failed(errors)
        return name if self._programs[name] is not None else None

    def _read(self, path: nodes.Path) -> tuple[str, str] | None:
        """A file's display name and its text; ``None`` after a complaint."""
        try:
            return self._sources.read(path.text, path.position.file)
        except ScriptFileError as error:
            self._complain(str(error), path.position)
            return None

    def program(self, name: str) -> nodes.Program:
        found = self._programs[name]
        assert found is not None
        return found

    def data(
        self, path: nodes.Path, options: dict[str, Value], functions: Mapping[str, Builtin]
    ) -> Value:
        """The value of a data file, chosen by its extension (manual: import, data)."""
        at = path.position
        found = self._read(path)
        if found is None:
            return None
        name, text = found
        extension = name.rpartition(".")[2]
        try:
            if extension == "txt":
                return _text(text, options)
            if extension == "json" and "json_decode" in functions:
                _known(options, ())
                return _json(functions["json_decode"], text, name)
            if extension == "csv" and "csv_decode" in functions:
                _known(options, ("delimiter", "header", "schema"))
                given = Map({"header": True, **options})
                value: Value = functions["csv_decode"].code(text, given)
                return value
        except Fault as fault:
            self._complain(f'"{path.text}" cannot be imported: {fault}', at)
            return None
        self._complain(f'"{path.text}" cannot be imported: only .json, .csv and .txt can', at)
        return None


def _known(options: dict[str, Value], names: tuple[str, ...]) -> None:
    for option in options:
        if option not in names:
            raise Fault(f'there is no option "{option}"')


def _json(decode: Builtin, text: str, name: str) -> Value:
    # Comments are allowed in files; no JSON text decodes to this string by chance.
    options = Map({"allow_comments": True}) if "allow_comments" in decode.options else []
    value = decode.code(text, options)
    if value is None and text.strip() != "null":
        raise Fault("it is no valid JSON")
    return value


def _text(text: str, options: dict[str, Value]) -> Value:
    _known(options, ("array",))
    as_array = options.get("array", False)
    if not isinstance(as_array, bool):
        raise Fault('the option "array" must be a boolean')
    if not as_array:
        return text
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]
