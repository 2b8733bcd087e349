"""How fast scripts are scanned, parsed and compiled: what starting and reloading wait for."""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Bench
from benchmarks.scripts import FIFTEEN_LINES
from smtpgate.hooks.table import PROXY
from smtpgate.hsl.grammar import parse
from smtpgate.hsl.grammar.tokens import Tokens
from smtpgate.hsl.runtime import compile_script
from smtpgate.hsl.sources import NoFiles

TITLE = "Reading scripts"

# Pieces of proxy scripts as people write them: comments, tables, functions, conditions.
SNIPPETS = (
    r"""
// Rewrites what a legacy client sends before the server sees it.
$networks = ["10.0.0.0/8", "192.168.0.0/16"];
$limits = [
	"connections" => 20,
	"recipients" => 100,
	"size" => 50 * 1024 * 1024,
];

""",
    r"""
function trusted($ip, $networks) {
	foreach ($networks as $network) {
		if (inet_includes($ip, $network))
			return true;
	}
	return false;
}

""",
    r"""
if (not trusted($senderip, $networks) and $command =~ ''/^XCLIENT\b/i'') {
	Reply("Not allowed from here", ["reply_codes" => ["code" => 550, "enhanced" => [5, 7, 1]]]);
}

""",
    r"""
/* Broken paths: a space behind the colon, no angle brackets. */
$match = pcre_match(''/^MAIL FROM:\s*<?([^<>\s]+)>?(.*)$/i'', $command);
if (count($match) > 0) {
	$address = str_lower($match[0]);
	$rest = $match[1] ?? "";
	echo "rewritten to <$address>$rest for ${senderip}";
	Pass(["command" => "MAIL FROM:<" . $address . ">" . $rest, "next" => false]);
} else if ($command == "STATUS" or $command == "UPTIME") {
	$lines = [];
	for ($i = 0; $i < 3; $i++) {
		$lines[] = "line %[0]s of %s" % [$i + 1, 3];
	}
	Reply($lines);
} else {
	switch (str_upper($command[0:4])) {
		case "HELO":
		case "EHLO":
			$context["greeted"] = true;
			break;
		case "QUIT":
			$context = none;
			break;
		default:
			$context["count"] = isset($context["count"]) ? $context["count"] + 1 : 1;
	}
}
""",
    r"""
$sorted = array_sort(function ($a, $b) { return $a["weight"] < $b["weight"]; }, $limits);
while ($x > 0 or $y != 3) { $x -= 1; $this->counter += $x ** 2; }
Pass();
""",
    r"""
class Counter {
	private $seen = [];
	static $instances = 0;
	constructor($limit = 10) { $this->limit = $limit; static::$instances += 1; }
	function add($key, ...$more) {
		$this->seen[$key] = ($this->seen[$key] ?? 0) + 1 + count($more);
		return $this->seen[$key] > $this->limit;
	}
}
$counter = Counter(20);
if ($counter->add($senderip))
	Reply("Too many commands", ["reply_codes" => ["code" => 421], "disconnect" => true]);
barrier "totals" => $totals {
	[$used, $left = 100] = $totals ?? [0];
	$totals = [$used + 1, $left - 1];
}
""",
)


def script(lines: int) -> str:
    """A script of at least ``lines`` lines; names and numbers differ from piece to piece."""
    pieces: list[str] = []
    count = 0
    while count < lines:
        piece = SNIPPETS[len(pieces) % len(SNIPPETS)].lstrip("\n")
        piece = piece.replace("$x", f"$x{len(pieces)}").replace("100", f"10{len(pieces)}")
        pieces.append(piece)
        count += piece.count("\n")
    return "".join(pieces)


def measure(bench: Bench) -> None:
    """Small scripts and large ones."""
    for lines in bench.sizes(100, 1_000, 10_000):
        source = script(lines)
        code = sum(1 for line in source.splitlines() if line.strip())
        bench.rate(
            f"parse a script of {lines:,} lines, blank ones not counted",
            "lines",
            code,
            partial(parse, source, "benchmark.hsl"),
        )
    source = script(bench.amount(1_000, 10))
    tokens = len(Tokens.scan(source, "benchmark.hsl"))
    bench.cost("one token, scan only", tokens, lambda: Tokens.scan(source, "benchmark.hsl"))
    bench.cost("one token, scan and parse", tokens, lambda: parse(source, "benchmark.hsl"))
    small = FIFTEEN_LINES
    bench.cost(
        "compile fifteen lines", 1,
        lambda: compile_script(small, "benchmark.hsl", PROXY.context, NoFiles()),
    )  # fmt: skip
