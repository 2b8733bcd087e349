"""The table of the standard library, and what its manual entries promise."""

import re
from importlib import import_module
from pkgutil import iter_modules

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl import library
from smtpgate.hsl.builtin import builtin
from smtpgate.hsl.library import CHAPTERS, CLASSES, FUNCTIONS, by_name

#: The aliases of the language's manual (tools/aliases), and the older names with another order.
ALIASES = {
    "count": "length",
    "strlen": "length",
    "strpos": "str_find",
    "strrpos": "str_rfind",
    "substr": "str_slice",
    "strtolower": "str_lower",
    "strtoupper": "str_upper",
    "trim": "str_strip",
    "rand": "random_number",
    "is_subdomain": "domain_includes",
    "in_array": "array_includes",
}


class TableTests(SynchronousTestCase):
    """Names and what they stand for."""

    def test_aliases(self):
        """An alias is the very same function."""
        for alias, name in ALIASES.items():
            self.assertIs(FUNCTIONS[alias], FUNCTIONS[name], alias)

    def test_every_function_is_listed(self):
        """A function has its own name in the table, whatever its aliases are."""
        for chapter in CHAPTERS:
            for function in chapter.all_functions():
                self.assertIs(FUNCTIONS[function.name], function)

    def test_names(self):
        """The names in a chapter's table are those that its modules define, and no others."""
        for chapter in CHAPTERS:
            for module in chapter.modules():
                name = module.__name__.rpartition(".")[2]
                for attribute, table in (
                    ("FUNCTIONS", chapter.functions),
                    ("CLASSES", chapter.classes),
                ):
                    defined = by_name(getattr(module, attribute, ()))
                    self.assertEqual(set(table.get(name, "").split()), set(defined), name)

    def test_every_module(self):
        """A module that defines something is in some chapter."""
        listed = {module for chapter in CHAPTERS for module in chapter.modules()}
        for found in iter_modules(library.__path__, f"{library.__name__}."):
            module = import_module(found.name)
            if hasattr(module, "FUNCTIONS") or hasattr(module, "CLASSES"):
                self.assertIn(module, listed)

    def test_each_name_once(self):
        """No name is in two chapters."""
        names = [
            name
            for chapter in CHAPTERS
            for words in (*chapter.functions.values(), *chapter.classes.values())
            for name in words.split()
        ]
        self.assertEqual(len(names), len(FUNCTIONS) + len(CLASSES))

    def test_own_names(self):
        """Names of a context are in front of the library's, and leave the library alone."""

        @builtin("http")
        def own() -> None:
            """Instead of the library's."""

        @builtin("Reject")
        def reject() -> None:
            """Beside the library."""

        table = FUNCTIONS | {"http": own, "Reject": reject}
        self.assertIs(table["http"], own)
        self.assertIs(table["Reject"], reject)
        self.assertIs(table["length"], FUNCTIONS["length"])
        self.assertEqual([*table], [*FUNCTIONS, "Reject"])
        self.assertEqual(len(table), len(FUNCTIONS) + 1)
        self.assertIn("Reject", table)
        self.assertNotIn("Reject", FUNCTIONS)
        self.assertIsNot(FUNCTIONS["http"], own)
        self.assertRaises(KeyError, lambda: FUNCTIONS["Reject"])

    def test_duplicate_name(self):
        """A name that two functions have is refused."""

        @builtin("first", aliases=("same",))
        def first() -> None:
            """One."""

        @builtin("same")
        def second() -> None:
            """Another."""

        with self.assertRaises(ValueError) as caught:
            by_name([first, second])
        self.assertEqual(str(caught.exception), "two functions are called same")

    def test_functions_and_classes_differ(self):
        """No function has the name of a class."""
        self.assertEqual(FUNCTIONS.keys() & CLASSES.keys(), set())

    def test_read_only(self):
        """Nobody can change the table."""
        with self.assertRaises(TypeError):
            FUNCTIONS["evil"] = None


def all_builtins():
    """Every function, static function, constructor and method, with its name for messages."""
    for chapter in CHAPTERS:
        for function in chapter.all_functions():
            yield function.name, function
        for made in chapter.all_classes():
            for member in (*made.methods.values(), *made.statics.values()):
                yield f"{made.name}.{member.name}", member


class ManualTests(SynchronousTestCase):
    """The manual is made of the docstrings."""

    def test_text(self):
        """Each has a sentence and says what it returns."""
        for name, function in all_builtins():
            first = function.text.partition("\n")[0]
            self.assertRegex(first, r"^[A-Z`%].*[.]$", name)
            if not function.terminates:
                self.assertRegex(function.text, r"(?m)^:return", name)

    def test_parameters(self):
        """Each documents its parameters, all of them and no other, in their order."""
        for name, function in all_builtins():
            documented = re.findall(r"(?m)^:param (?:[^:\n]* )?\.*(\w+):", function.text)
            self.assertEqual(documented, [p.name for p in function.parameters], name)

    def test_options(self):
        """Each option says what it is for."""
        for name, function in all_builtins():
            for key, option in function.options.items():
                self.assertTrue(option.text, f"{name} {key}")

    def test_example(self):
        """Each function has an example."""
        for chapter in CHAPTERS:
            for function in chapter.all_functions():
                self.assertIn(".. code-block:: hsl\n", function.text, function.name)
