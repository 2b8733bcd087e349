"""Library functions in scripts: callbacks that wait, and errors with their places."""

from twisted.trial.unittest import SynchronousTestCase

from tests.support.expectations import mistakes

WAITING = {
    "map": """
        echo array_map(function ($x) { sleep($x); return $x; }, [0.1, 0.2]); // => [0=>0.1,1=>0.2]
        $slept = array_map(sleep, [0.1, 0.3]);
        echo $slept[1] > $slept[0]; // => 1
    """,
    "sort": """
        $less = function ($a, $b) { sleep(0.01); return $a < $b; };
        echo array_values(array_sort($less, [3, 1, 2])); // => [0=>1,1=>2,2=>3]
    """,
    "reduce": """
        $add = function ($sum, $x) { sleep(0.01); return $sum + $x; };
        echo array_reduce($add, [1, 2, 3]); // => 6
    """,
    "includes": """
        echo array_includes(function ($x) { sleep(0.01); return $x == 2; }, [1, 2]); // => 1
    """,
    "replace": """
        $loud = function ($match) { sleep(0.1); return $match[0] . "!"; };
        echo pcre_replace("a", $loud, "aa"); // => a!a!
    """,
    "sleep": """
        $begin = time();
        echo round(sleep(2)); // => 2
        echo round(time() - $begin) == 2 and round(executiontime()) == 2; // => 1
    """,
}

ERRORS = (
    'array_map("strlen", [1]); // error: array_map() parameter "callback" must be a function, '
    "string given",
    "array_map(function ($x) { return $x / 0; }, [1]); // error: division by zero",
    "array_range(0, 1e7); // error: an array may have at most 1000000 items, "
    "this one would have 10000000",
    'str_repeat("a", 20000000); // error: a string may have at most 16777216 octets, '
    "this one would have 20000000",
    'str_lower(12); // error: str_lower() parameter "string" must be a string, number given',
    'sleep("1"); // error: sleep() parameter "seconds" must be a number, string given',
    'pcre_replace("a", function ($m) { return []; }, "a"); // error: '
    "the function given to pcre_replace() must return a string, array returned",
    'pcre_match("((a|aa)+)+$", "a" * 100 . "b"); // error: '
    "the regular expression needs too many steps (match limit)",
    'json_encode([], ["prety_print" => true]); // error: '
    'json_encode() has no option "prety_print", did you mean "pretty_print"?',
)

ENDLESS = """
    $big = ["x"];
    foreach (array_range(0, 50) as $i) $big = [$big, $big];
    %s($big); // error: a string may have at most 16777216 octets, this one would have %s
"""


class LibraryScriptTests(SynchronousTestCase):
    """As scripts see it."""

    def test_waiting(self):
        """A callback may wait, wherever it is called."""
        for name, source in WAITING.items():
            self.assertEqual(mistakes(source, {}, name), [])

    def test_errors(self):
        """Whole sentences, at the line where they happen."""
        for source in ERRORS:
            self.assertEqual(mistakes(source, {}), [])

    def test_arrays_that_hold_each_other(self):
        """A few arrays that stand for an endless text end in an error at once."""
        for name, length in (("json_encode", 33554430), ("string", 17825782)):
            self.assertEqual(mistakes(ENDLESS % (name, length), {}), [])
