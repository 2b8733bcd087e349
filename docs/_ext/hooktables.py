"""Parts of a hook's page, made from the table of hooks.

``.. hook-variables:: helo`` is the table of its variables, ``.. hook-functions:: helo``
the description of its functions, each with its options.
"""

from __future__ import annotations

from collections.abc import Mapping

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from smtpgate.hooks.table import HOOKS
from smtpgate.hsl.builtin import Option


class HookVariables(SphinxDirective):
    """The directive."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        hook = HOOKS[self.arguments[0]]
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 20 12 68", ""]
        lines += ["   * - Variable", "     - Type", "     - What it is"]
        for name, variable in hook.variables.items():
            lines += [f"   * - ``${name}``", f"     - {variable.kind}", f"     - {variable.text}"]
        for name in sorted(hook.writable):
            lines += [
                f"   * - ``${name}``",
                "     - any",
                "     - yours, and the only one that a script may change",
            ]
        return self.parse_text_to_nodes("\n".join(lines))


class HookFunctions(SphinxDirective):
    """The directive; with names of functions behind the hook's, only these."""

    required_arguments = 1
    optional_arguments = 20

    def run(self) -> list[nodes.Node]:
        hook, *names = self.arguments
        lines: list[str] = []
        for function in HOOKS[hook].functions:
            if names and function.name not in names:
                continue
            lines += [f"``{function.signature}``", ""]
            lines += [f"   {line}" for line in function.text.splitlines()]
            lines.append("")
            if function.options:
                lines += self._options(function.options)
        return self.parse_text_to_nodes("\n".join(lines))

    def _options(self, options: Mapping[str, Option]) -> list[str]:
        lines = ["   .. list-table::", "      :widths: 20 20 60", ""]
        for name, option in options.items():
            kinds = " or ".join(kind.name for kind in option.kinds)
            default = ""
            if isinstance(option.default, bool) and not option.choices:
                default = f" The default is ``{str(option.default).lower()}``."
            lines += [
                f"      * - ``{name}``",
                f"        - {kinds}",
                f"        - {option.text}.{default}",
            ]
        return [*lines, ""]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("hook-variables", HookVariables)
    app.add_directive("hook-functions", HookFunctions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
