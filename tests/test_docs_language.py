"""The manual of the language: every example runs and does what it says, and nothing is left out."""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import ScriptErrors
from smtpgate.hsl.grammar.tokens import KEYWORDS, SYMBOLS
from smtpgate.hsl.library import CHAPTERS, CLASSES, FUNCTIONS
from smtpgate.hsl.operations.operators import BINARY
from smtpgate.hsl.runtime import Texts, compile_script
from tests.support.expectations import mistakes

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted([*(DOCS / "language").glob("*.rst"), DOCS / "functions" / "index.rst"])
EXTENSIONS = str(DOCS / "_ext")


def blocks(text):
    """The code blocks of a page: (line, language, caption, code)."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        found = re.fullmatch(r"\.\. code-block:: (\w+)", lines[number])
        number += 1
        if not found:
            continue
        caption = ""
        while number < len(lines) and lines[number].startswith("   :"):
            name, _, value = lines[number].strip(" :").partition(": ")
            caption = value if name == "caption" else caption
            number += 1
        start = number
        while number < len(lines) and (not lines[number] or lines[number].startswith("   ")):
            number += 1
        code = "\n".join(line[3:] for line in lines[start:number]).strip("\n") + "\n"
        yield start + 1, found[1], caption, code


def examples(text):
    """The examples of a page with the files that stand above them: (line, script, files)."""
    files = {}
    for line, language, caption, code in blocks(text):
        if caption:
            files[caption] = code
        elif language == "hsl":
            yield line, code, dict(files)


class ExampleTests(SynchronousTestCase):
    """One test for each example."""


def _test(page, line, script, files):
    def test(self):
        self.assertEqual(mistakes(script, files), [])

    test.__doc__ = f"The example of {page.parent.name}/{page.name}, line {line}."
    return test


for _page in PAGES:
    for _line, _script, _files in examples(_page.read_text("utf-8")):
        setattr(
            ExampleTests,
            f"test_{_page.parent.name}_{_page.stem}_{_line:03}",
            _test(_page, _line, _script, _files),
        )


class CompletenessTests(SynchronousTestCase):
    """The manual has everything in it."""

    def setUp(self):
        """All pages of the language as one text."""
        self.text = "".join(page.read_text("utf-8") for page in PAGES)

    def test_every_page_has_examples(self):
        """Each page of the language shows what it says."""
        for page in PAGES:
            found = list(examples(page.read_text("utf-8")))
            self.assertTrue(found or page.stem == "differences", page.name)

    def test_every_keyword(self):
        """Each keyword is in the list of keywords, and each but one in an example."""
        listed = self.text.partition("These words cannot name")[2].partition("``object`` has")[0]
        self.assertEqual(set(re.findall(r"``(\w+)``", listed)), KEYWORDS)
        scripts = "".join(code for _, language, _, code in blocks(self.text) if language == "hsl")
        used = set(re.findall(r"[a-z_]+", re.sub("//.*", "", scripts)))
        self.assertEqual(KEYWORDS - used, {"object"})

    def test_every_operator(self):
        """Each operator has its row in the table of precedence."""
        table = self.text.partition(".. _precedence:")[2].partition(".. code-block::")[0]
        for operator in {*BINARY, *SYMBOLS} - {"&&", "||", "=>", "...", ";", ",", "{", "}"}:
            self.assertRegex(table, rf"``[^`]*{re.escape(operator)}[^`]*``")

    def test_every_function(self):
        """Each chapter of the library has its page, which is made from its functions."""
        for chapter in CHAPTERS:
            pages = [
                page
                for page in (DOCS / "functions").glob("*.rst")
                if f"\n.. library:: {chapter.title}\n" in page.read_text("utf-8")
            ]
            self.assertEqual(len(pages), 1, chapter.title)

    def test_every_cache_option(self):
        """Each option of ``cache`` that is described is one, and the language has no others."""
        section = (DOCS / "language" / "sharing.rst").read_text("utf-8")
        options = re.findall(r"(?m)^``(\w+)`` \(", section)
        self.assertEqual(len(options), 10)
        given = ", ".join(f"{option} => 1" for option in options)
        compile_script(f"echo cache [{given}] length(1);", "all.hsl")
        errors = self.assertRaises(
            ScriptErrors, compile_script, "echo cache [other => 1] length(1);", "none.hsl"
        )
        self.assertEqual(str(errors), "none.hsl:1:13: cache has no option other")

    def test_broken_script(self):
        """The report of a script with mistakes is what the compiler says."""
        found = list(blocks((DOCS / "language" / "errors.rst").read_text("utf-8")))
        script = next(code for _, _, caption, code in found if caption == "broken.hsl")
        report = next(code for _, language, _, code in found if language == "text")
        errors = self.assertRaises(
            ScriptErrors, compile_script, script, "broken.hsl", sources=Texts({})
        )
        self.assertEqual(errors.render() + "\n", report)


class CommandTests(SynchronousTestCase):
    """What the introduction shows of the commands."""

    def transcript(self, command):
        """What the page shows below ``$ command``: inputs behind ``> ``, and the output."""
        page = (DOCS / "language" / "introduction.rst").read_text("utf-8")
        shown = next(
            code
            for _, language, _, code in blocks(page)
            if language == "console" and code.startswith(f"$ {command}\n")
        )
        lines = shown.splitlines()[1:]
        inputs = [line[2:] for line in lines if line.startswith("> ")]
        return inputs, [line for line in lines if not line.startswith("> ")]

    def output(self, arguments, directory, text=""):
        """What a command prints."""
        code = f"import sys; from smtpgate.cli.main import main; sys.exit(main({arguments!r}))"
        environment = {**os.environ, "PYTHONPATH": str(DOCS.parent)}
        done = subprocess.run(
            [sys.executable, "-c", code],
            input=text, capture_output=True, text=True, check=False, cwd=directory, env=environment,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()

    def test_run(self):
        """The first script prints what the page says, and is free of mistakes."""
        page = (DOCS / "language" / "introduction.rst").read_text("utf-8")
        with TemporaryDirectory() as directory:
            Path(directory, "hello.hsl").write_text(next(examples(page))[1])
            _, expected = self.transcript("smtpgate run hello.hsl")
            self.assertEqual(self.output(["run", "hello.hsl"], directory), expected)
            self.assertEqual(self.output(["check", "--hook", "core", "hello.hsl"], directory), [])

    def test_repl(self):
        """The inputs have the answers that the page shows."""
        inputs, expected = self.transcript("smtpgate repl")
        with TemporaryDirectory() as directory:
            found = self.output(["repl"], directory, "\n".join(inputs) + "\n")
        self.assertEqual(found, expected)


class ReferenceTests(SynchronousTestCase):
    """The function reference as it is made from the functions."""

    def setUp(self):
        """The extension that makes it."""
        sys.path.insert(0, EXTENSIONS)
        self.addCleanup(sys.path.remove, EXTENSIONS)
        import library

        self.library = library

    def test_pages(self):
        """A chapter's page has the name that the list of functions refers to."""
        for title in (chapter.title for chapter in CHAPTERS):
            page = DOCS / "functions" / f"{self.library.page(title)}.rst"
            self.assertTrue(page.read_text("utf-8").startswith(f"{title}\n{'=' * len(title)}\n"))

    def test_entries(self):
        """Each function is there under each name, with each parameter and option."""
        text = "\n".join(self.library.index())
        for name, function in FUNCTIONS.items():
            self.assertIn(f":js:func:`{name}`", text)
            entry = "\n".join(
                self.library.entry(function, "js:function", function.name, function.aliases)
            )
            self.assertRegex(entry, rf"(?m)^(?:\.\. js:function::| +) *{name}\(")
            for parameter in function.parameters:
                self.assertIn(f"   :param {parameter.name}: *", entry)
            for option, given in function.options.items():
                self.assertIn(f"   ``{option}`` (", entry)
                self.assertTrue(given.text, f"{name}: {option}")

    def test_classes(self):
        """Each class is there, with each of its functions."""
        for name, made in CLASSES.items():
            entry = "\n".join(self.library.class_entry(made))
            self.assertIn(f".. js:class:: {name}(", entry)
            for method in made.methods:
                self.assertIn(f"   .. js:method:: {method}(", entry)
            for static in made.statics:
                self.assertIn(f".. js:function:: {name}::{static}(", entry)
