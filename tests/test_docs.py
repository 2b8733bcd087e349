"""The documentation: its examples are played in real sessions, and it builds without warnings."""

import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

from twisted.trial.unittest import SynchronousTestCase

from smtpgate import config
from smtpgate.config.descriptions import descriptions
from smtpgate.hooks.table import HOOKS
from tests.support.dialog import play
from tests.support.session import EXAMPLES, compiled

DOCS = Path(__file__).parent.parent / "docs"
PAGES = sorted([*DOCS.glob("*.rst"), *DOCS.glob("hooks/*.rst")])


def blocks(text):
    """The code blocks of a page: (line, language, code)."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        found = re.fullmatch(r"\.\. code-block:: (\w+)", lines[number])
        number += 1
        if not found:
            continue
        start = number
        while number < len(lines) and (not lines[number] or lines[number].startswith("   ")):
            number += 1
        yield (
            start,
            found[1],
            "\n".join(line[3:] for line in lines[start:number]).strip("\n") + "\n",
        )


@dataclass
class Example:
    """A script, the setting ``commands`` that it is bound with, and the dialogues it has."""

    line: int
    script: str
    commands: object = "all"
    dialogues: list = field(default_factory=list)


def examples(text):
    """The examples of a page: a dialogue belongs to the script above it, and so does a setting."""
    found = []
    commands = "all"
    for line, language, code in blocks(text):
        if language == "toml":
            hook = tomllib.loads(code).get("servers", {})
            hook = hook.get("hooks", {}).get("proxy", "") if isinstance(hook, dict) else ""
            commands = hook.get("commands", "all") if isinstance(hook, dict) else "all"
        elif language == "hsl":
            found.append(Example(line, code, commands))
            commands = "all"
        elif language == "dialogue":
            if not found:
                found.append(Example(line, None))
            found[-1].dialogues.append(code)
    return found


class ExampleTests(SynchronousTestCase):
    """One test for each script of a page, with all its dialogues."""

    def test_proxy_page(self):
        """Each script of the proxy hook's page is followed by a dialogue that shows it."""
        found = examples((DOCS / "proxy.rst").read_text("utf-8"))
        self.assertGreater(len(found), 15)
        for example in found:
            self.assertTrue(example.dialogues, f"proxy.rst:{example.line}: no dialogue")

    def test_every_option_is_shown(self):
        """Each function and option of the proxy hook has its section and its example."""
        page = (DOCS / "proxy.rst").read_text("utf-8")
        scripts = "".join(code for _, language, code in blocks(page) if language == "hsl")
        for function in HOOKS["proxy"].functions:
            self.assertIn(f".. js:function:: {function.name}(", page)
            section = page.partition(f".. js:function:: {function.name}(")[2]
            for option in function.options:
                self.assertIn(f"\n``{option}`` (", section)
                self.assertIn(f'"{option}" => ', scripts)

    def test_every_example_script(self):
        """Each script of etc/scripts has its section."""
        page = (DOCS / "examples.rst").read_text("utf-8")
        for path in EXAMPLES.rglob("*.hsl"):
            name = path.relative_to(EXAMPLES)
            self.assertIn(f"\n{name}: ", page)
            self.assertIn(f".. literalinclude:: ../etc/scripts/{name}\n", page)

    def test_page_of_every_hook(self):
        """Each hook has its page with its tables, its place in the diagram, and examples."""
        life = (DOCS / "hooks" / "index.rst").read_text("utf-8")
        for name in HOOKS:
            self.assertIn(f"[{name}]", life)
            self.assertIn(f"``{name}``", life)
            if name == "proxy":
                continue
            self.assertIn(f"\n   {name}\n", life)
            page = (DOCS / "hooks" / f"{name}.rst").read_text("utf-8")
            self.assertIn(f".. hook-variables:: {name}\n", page)
            self.assertIn(f".. hook-functions:: {name}\n", page)
            found = examples(page)
            self.assertTrue(found)
            for example in found:
                self.assertTrue(example.dialogues, f"{name}.rst:{example.line}: no dialogue")

    def test_every_variable_is_described(self):
        """The table of variables is on the page, for the hook's own row."""
        page = (DOCS / "proxy.rst").read_text("utf-8")
        self.assertIn(".. hook-variables:: proxy", page)


class ReadmeTests(SynchronousTestCase):
    """The first screen of the README."""

    def test_script_and_dialogue(self):
        """The script does what the dialogue shows, and what stands in brackets beside it."""
        text = (DOCS.parent / "README.rst").read_text("utf-8")
        script, dialogue = re.findall(r"::\n\n((?:(?:    .*)?\n)+)", text)[:2]
        said = [line.strip() for line in dialogue.strip().splitlines()]
        # A note stands behind blanks and in brackets; EHLO's keywords are left out.
        said = [re.sub(r" {3,}\(.*\)$", "", line) for line in said]
        said = ["S: ..." if line.endswith(" ...") else line for line in said]
        note = "(the server was told MAIL FROM:<printer@example.org>)"
        self.assertIn(note, dialogue)
        # Mail from that sender comes just before VRFY.
        at = said.index("C: VRFY root")
        said[at:at] = [
            "C: RCPT TO:<al@example.com>", "S: ...", "C: DATA", "S: ...", "C: .", "S: ...",
            "-- mail from <printer@example.org> to <al@example.com>",
        ]  # fmt: skip
        play("\n".join([*said, "-- closed"]), dedent(script))


def _test(page, example):
    hook = page.stem if page.parent.name == "hooks" and page.stem in HOOKS else "proxy"

    def test(self):
        if example.script is not None:
            compiled(example.script, hook=hook)
        for dialogue in example.dialogues:
            play(dialogue, example.script, example.commands, hook)

    test.__doc__ = f"The example of {page.name}, line {example.line}."
    return test


for _page in PAGES:
    for _example in examples(_page.read_text("utf-8")):
        _place = "_".join(_page.relative_to(DOCS).with_suffix("").parts)
        setattr(ExampleTests, f"test_{_place}_{_example.line:03}", _test(_page, _example))


class ConfigurationTests(SynchronousTestCase):
    """The configuration reference."""

    def test_every_model(self):
        """Each table that a configuration can have is on the page, with every key described."""
        page = (DOCS / "configuration.rst").read_text("utf-8")
        for name, model in vars(config).items():
            if not isinstance(model, type) or not issubclass(model, config.Table):
                continue
            self.assertEqual(set(model.model_fields), set(descriptions(model)), name)
            if name not in ("Table", "Relay"):
                self.assertIn(f".. settings:: {name}\n", page)

    def test_example(self):
        """The small configuration is a valid one, and its error is what the page says."""
        shown = list(blocks((DOCS / "configuration.rst").read_text("utf-8")))
        example = next(code for _, language, code in shown if language == "toml")
        error = next(code for _, language, code in shown if language == "text")
        with TemporaryDirectory() as directory:
            Path(directory, "scripts").mkdir()
            Path(directory, "scripts", "proxy.hsl").touch()
            path = Path(directory, "smtpgate.toml")
            path.write_text(example)
            self.assertEqual(config.load(path).servers[0].hooks.proxy.commands, "all")
            path.write_text(example.replace('transport = "local"', 'transport = "lokal"'))
            errors = self.assertRaises(config.ConfigErrors, config.load, path)
            self.assertEqual(f"{errors}\n".replace(f"{directory}/", ""), error)


class ArchitectureTests(SynchronousTestCase):
    """The way through the house."""

    def test_files(self):
        """Each file and room that the page names is there; each room is named."""
        page = (DOCS / "architecture.rst").read_text("utf-8")
        package = DOCS.parent / "smtpgate"
        there = [f"/{path.relative_to(package)}" for path in package.rglob("*.py")]
        rooms = {f"/{path.parent.relative_to(package)}/" for path in package.glob("*/**/*.py")}
        for name in re.findall(r"[a-z0-9_/]+\.py\b", page):
            self.assertTrue(any(each.endswith(f"/{name}") for each in there), name)
        named = set(re.findall(r"``((?!smtpgate)[a-z]+(?:/[a-z]+)*/)", page))
        self.assertEqual(set(), {f"/{name}" for name in named} - rooms)
        self.assertEqual(set(), {room for room in rooms if room[1:] not in page})


class BuildTests(SynchronousTestCase):
    """Sphinx."""

    def test_no_warnings(self):
        """The pages build, and a warning is an error."""
        with TemporaryDirectory() as output:
            command = [
                sys.executable, "-m", "sphinx", "-q", "-E", "-W", "--keep-going",
                "-b", "html", "-d", f"{output}/doctrees", str(DOCS), f"{output}/html",
            ]  # fmt: skip
            built = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual((built.returncode, built.stderr), (0, ""))
            written = Path(output, "html", "configuration.html").read_text("utf-8")
            self.assertIn("script_timeout", written)
            written = Path(output, "html", "proxy.html").read_text("utf-8")
            self.assertIn("$saslusername", written)
            self.assertIn('class="highlight-hsl', written)
