"""The examples of the library's manual entries run, and print what they say."""

import re
from inspect import cleandoc
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, maybeDeferred
from twisted.trial.unittest import TestCase

from smtpgate.hsl.library import CHAPTERS
from smtpgate.hsl.runtime import compile_script
from tests.support.library import furnished

PAGES = Path(__file__).parent.parent / "docs" / "functions"


def examples(text):
    """The code blocks of a manual entry."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.strip() == ".. code-block:: hsl":
            margin = len(line) - len(line.lstrip())
            block = []
            for following in lines[number + 1 :]:
                if following.strip() and len(following) - len(following.lstrip()) <= margin:
                    break
                block.append(following)
            yield cleandoc("\n".join(block)) + "\n"


def entries():
    """The name and text of every function, class and method."""
    for chapter in CHAPTERS:
        for function in chapter.all_functions():
            yield function.name, function.text
        for made in chapter.all_classes():
            yield made.name, made.text
            for member in (*made.methods.values(), *made.statics.values()):
                yield f"{made.name}.{member.name}", member.text


def _into(printed):
    return lambda text, _execution: printed.append(text)


class ExampleTests(TestCase):
    """Each ``echo`` with a comment ``// => text`` prints that text."""

    async def run_examples(self, text, name):
        for source in examples(text):
            printed = []
            environment = furnished(reactor, self.mktemp(), echo=_into(printed))
            await maybeDeferred(compile_script(source, f"{name}.hsl").run, {}, environment)
            expected = re.findall(r"// => (.*?) *$", source, re.MULTILINE)
            self.assertEqual(printed, expected, source)

    def test_examples(self):
        """All of them."""

        async def run_all():
            for name, text in entries():
                await self.run_examples(text, name)

        return ensureDeferred(run_all())

    def test_pages(self):
        """Those that stand in front of the functions, on the pages of the manual."""

        async def run_all():
            for page in sorted(PAGES.glob("*.rst")):
                if page.stem != "index":
                    await self.run_examples(page.read_text("utf-8"), page.stem)

        return ensureDeferred(run_all())
