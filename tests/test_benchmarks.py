"""The benchmarks run, with next to no load: what they find is not looked at."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import compare, tables
from benchmarks.__main__ import chosen, main, names
from benchmarks.measure import Bench, Figure
from benchmarks.sink import Session

ORIGIN = {
    "commit": "abc", "machine": {"python": "CPython 3"}, "yardstick": 0.05, "rounds": 3,
    "command": "``make bench-docs``",
}  # fmt: skip


def run(*words: str) -> str:
    """The command line: what it prints."""
    output = io.StringIO()
    with redirect_stdout(output):
        code = main(words)
    assert code == 0
    return output.getvalue()


class RunTests(SynchronousTestCase):
    """Each benchmark once."""

    def check(self, name: str) -> None:
        file, directory = Path(self.mktemp()), Path(self.mktemp())
        printed = run(
            name, "--quick", "--rounds", "1", "--json", str(file), "--rst", str(directory)
        )
        results = json.loads(file.read_text("utf-8"))["results"]
        self.assertEqual([name], list(results))
        figures = results[name]["figures"]
        self.assertTrue(figures)
        self.assertIn(f"{results[name]['title']} ({name})", printed)
        for label in figures:
            self.assertIn(f"  {label} ", printed)
        room = name.partition("/")[0]
        self.assertEqual(room != "macro", (directory / f"{room}.rst").exists())

    def test_rooms(self) -> None:
        """There are benchmarks in every room, and a word that names none is refused."""
        self.assertEqual(names(), chosen([]))
        self.assertEqual({"micro", "macro", "growth"}, {name.split("/")[0] for name in names()})
        self.assertEqual(
            [*(name for name in names() if name.startswith("micro")), "macro/tls"],
            chosen(["macro/tls", "micro"]),
        )
        errors = io.StringIO()
        with redirect_stderr(errors):
            self.assertRaises(SystemExit, main, ["micro/nothing"])
        self.assertIn("error: no benchmark 'micro/nothing'; there are micro/", errors.getvalue())


def _test(name: str):
    def test(self: RunTests) -> None:
        self.check(name)

    test.__doc__ = f"{name} runs."
    return test


for _name in names():
    setattr(RunTests, f"test_{_name.replace('/', '_')}", _test(_name))


class FigureTests(SynchronousTestCase):
    """What is made of the rounds."""

    def test_spread(self) -> None:
        """The middle half; one round is its own."""
        figure = Figure("µs", (5.0, 1.0, 3.0, 2.0, 4.0))
        self.assertEqual((3.0, (2.0, 4.0)), (figure.median, figure.spread))
        self.assertEqual((7.0, 7.0), Figure("µs", (7.0,)).spread)

    def test_json(self) -> None:
        """A figure comes back from its JSON as it was."""
        for figure in (Figure("MB/s", (1.0, 2.0)), Figure("µs", (1.5,), "a|things", 10)):
            self.assertEqual(figure, Figure.from_json(json.loads(json.dumps(figure.as_json()))))

    def test_in_turns(self) -> None:
        """Runs are measured in turns, and the first turn does not count."""
        order: list[str] = []

        def timed(name: str):
            def once() -> float:
                order.append(name)
                return float(len(order))

            return once

        found = Bench(2).turns({"a": timed("a"), "b": timed("b")})
        self.assertEqual(["a", "b"] * 3, order)
        self.assertEqual({"a": [3.0, 5.0], "b": [4.0, 6.0]}, found)


class CompareTests(SynchronousTestCase):
    """Two files."""

    def document(self, **figures: Figure) -> dict:
        shown = {name: figure.as_json() for name, figure in figures.items()}
        return {**ORIGIN, "results": {"micro/x": {"title": "X", "figures": shown}}}

    def verdict(self, unit: str, old: tuple[float, ...], new: tuple[float, ...]) -> str:
        return compare.verdict(Figure(unit, old), Figure(unit, new))

    def test_verdict(self) -> None:
        """What overlaps is the same; a rate is better when it grows, a cost when it shrinks."""
        self.assertEqual("same (spreads overlap)", self.verdict("µs", (1, 2, 3), (2, 3, 4)))
        self.assertEqual("better", self.verdict("µs", (5, 6), (1, 2)))
        self.assertEqual("WORSE", self.verdict("µs", (1, 2), (5, 6)))
        self.assertEqual("better", self.verdict("MB/s", (1, 2), (5, 6)))
        self.assertEqual("WORSE", self.verdict("MB/s", (5, 6), (1, 2)))

    def test_table(self) -> None:
        """One line a figure, with its ratio; a figure that is new has none."""
        old, new = Path(self.mktemp()), Path(self.mktemp())
        old.write_text(json.dumps(self.document(path=Figure("µs", (4.0, 4.0)))))
        figures = {"path": Figure("µs", (3.0, 3.0)), "more": Figure("µs", (1.0,))}
        new.write_text(json.dumps(self.document(**figures)))
        lines = run("compare", str(old), str(new)).splitlines()
        self.assertEqual("old: abc; CPython 3; empty call 0.0500 µs", lines[0])
        words = [line.split() for line in lines[3:]]
        self.assertEqual(["micro/x:", "path", "4.00", "3.00", "0.750", "µs", "better"], words[0])
        self.assertEqual(["micro/x:", "more", "1.00", "new"], words[1])

    def test_another_file(self) -> None:
        """A file without figures is refused."""
        path = Path(self.mktemp())
        path.write_text("[]")
        error = self.assertRaises(ValueError, compare.read, path)
        self.assertEqual(f"{path} has no figures", str(error))


class TableTests(SynchronousTestCase):
    """Tables for the documentation."""

    def cells(self, page: str) -> list[str]:
        return [line[7:] for line in page.splitlines() if line[3:6] in ("* -", "  -")]

    def test_micro(self) -> None:
        """A cost is told in empty calls too; a rate is not."""
        figures = {"path": Figure("µs", (1.0, 2.0, 3.0)), "body": Figure("MB/s", (2000.0,))}
        cells = self.cells(tables.micro({"micro/x": ("X", figures)}, ORIGIN))
        self.assertEqual(["**X**", "", "", ""], cells[4:8])
        self.assertEqual(["path", "2 µs", "1.5 to 2.5", "40"], cells[8:12])
        self.assertEqual(["body", "2,000 MB/s", "", ""], cells[12:])

    def test_growth(self) -> None:
        """Each size's best round is told beside that of the first."""
        figures = {
            "a: 1 things": Figure("µs", (10.0, 12.0), "a|things", 1),
            "a: 1,000 things": Figure("µs", (11.0, 15.0), "a|things", 1000),
        }
        cells = self.cells(tables.growth({"growth/x": ("X", figures)}, ORIGIN))
        self.assertEqual(["a", "1 things", "11 µs", "10.5 to 11.5", "10", "1.00"], cells[6:12])
        self.assertEqual(["", "1,000 things", "13 µs", "12 to 14", "11", "1.10"], cells[12:])


class SinkTests(SynchronousTestCase):
    """The next hop that takes everything."""

    def test_message(self) -> None:
        """However the octets are cut, each command has its answer, and the message one."""
        talk = b"EHLO me\r\nMAIL FROM:<>\r\nDATA\r\none\r\n..\r\n.\r\nDATA\r\n.\r\nQUIT\r\n"
        whole = Session().answer(talk)
        session = Session()
        self.assertEqual(whole, b"".join(session.answer(talk[n : n + 1]) for n in range(len(talk))))
        codes = [line[:4] for line in whole.splitlines()]
        self.assertEqual(
            [b"250-"] * 3 + [b"250 "] * 2 + [b"354 ", b"250 ", b"354 ", b"250 ", b"221 "], codes
        )
