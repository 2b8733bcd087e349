"""``.. hook-variables:: proxy``: the table of a hook's variables, from the table of hooks."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from smtpgate.hooks.table import HOOKS


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


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("hook-variables", HookVariables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
