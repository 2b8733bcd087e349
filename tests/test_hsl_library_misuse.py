"""Any values given to any function: the result is a value of the language, or an error of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.builtin import (
    ARRAY,
    BOOLEAN,
    CALLBACK,
    INTEGER,
    NONE,
    NUMBER,
    STRING,
    Builtin,
    Kind,
    Option,
    Parameter,
)
from smtpgate.hsl.errors import ScriptRuntimeError
from smtpgate.hsl.library import CLASSES, FUNCTIONS
from smtpgate.hsl.library.mime import MIME
from smtpgate.hsl.library.x509 import X509Resource
from smtpgate.hsl.limits import ACTIVE
from smtpgate.hsl.runtime import Context, Limits, compile_script
from smtpgate.hsl.values import Function, Map, Object, arrays
from tests.support.library import call, furnished, manual_keys

QUIET = settings(
    deadline=None,
    derandomize=True,
    max_examples=20,
    database=None,
    suppress_health_check=list(HealthCheck),
)
#: Every function is called by a script with these variables.
CALLS = Context("calls", frozenset({"arguments", "object"}))
#: Small enough that an example takes no time, large enough that most calls succeed.
LIMITS = Limits(steps=2000, array=5000, string=50_000)


def resource() -> X509Resource:
    """The certificate of the examples, as hooks hand certificates over."""
    certificate = load_pem_x509_certificate(manual_keys()["mail.pem"].encode())
    return X509Resource(certificate.public_bytes(Encoding.DER))


#: Objects to call the methods of, as scripts write them.
OBJECTS = {
    "File": lambda: call(CLASSES["File"].statics["String"], "one\r\ntwo\nthree"),
    "MIME": MIME,
    "X509": lambda: call(CLASSES["X509"].constructor, resource()),
}

#: What functions find special: addresses, dates, formats, patterns, structures.
TEXTS = (
    "", "a", "0", "12", "-1.5", "0x1F", "a.b", "\x00", "\xff\xfe", "\xc3\xa9", "192.0.2.1",
    "::1", "10.0.0.0/8", "Ann <ann@example.org>, b@c", "From: a@b", "v=1; d=example.org",
    "%Y-%m-%d", "%", "2024-02-30", "xn--mnchen-3ya", "a,b\n1,2", "\"", '{"a": [1]}', "[", "\r\n",
    "nC*a3", "Z*", "$1 $0", "(a)|(?<n>b)", "/a/i", "/", "(", "cn=a+b=c,d=e", "SEEK_END", "ecb",
    "cbc", "0123456789abcdef", "$1$ab$", "text/html", "Subject", "http://web.example/$1",
    "blocked.txt",
)  # fmt: skip
NUMBERS = (
    0.0, -0.0, 1.0, -1.0, 2.0, 3.0, 0.5, 16.0, 255.0, 256.0, 512.0, 1e4, 2.0**31, 2.0**53,
    1e300, -1e300,
    float("inf"), float("-inf"), float("nan"), 7,
)  # fmt: skip

texts = st.sampled_from(TEXTS) | st.text(st.characters(max_codepoint=255), max_size=12)
numbers = st.sampled_from(NUMBERS) | st.floats()
functions = st.sampled_from(
    [
        FUNCTIONS["strlen"],
        FUNCTIONS["is_string"],
        FUNCTIONS["str_repeat"],
        FUNCTIONS["json_decode"],
        CLASSES["MIME"],
    ]
)
objects = st.sampled_from([Object, MIME, resource]).map(lambda made: made())
scalars = st.none() | st.booleans() | numbers | texts
keys = texts.map(arrays.key) | st.integers(-3, 5)
values = st.recursive(
    scalars | functions | objects,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(keys, inner, max_size=4).map(lambda items: arrays.normal(Map(items)))
    ),
    max_leaves=8,
)
array_values = (
    values.filter(lambda value: isinstance(value, (list, Map)))
    | st.lists(texts | numbers, max_size=4)
    | st.lists(st.lists(texts, min_size=2, max_size=2), max_size=2)
    | st.dictionaries(st.sampled_from(["a", "To", "x-1"]), texts | numbers, max_size=3).map(
        lambda items: arrays.normal(Map(items))
    )
)
KINDS: dict[Kind, Any] = {
    STRING: texts,
    NUMBER: numbers,
    INTEGER: numbers,
    BOOLEAN: st.booleans(),
    ARRAY: array_values,
    CALLBACK: functions,
    NONE: st.none(),
}
CLASS_KINDS = {"MIME": objects, "X509Resource": objects}


def of_kinds(kinds: tuple[Kind, ...]) -> Any:
    known = [KINDS[kind] if kind in KINDS else CLASS_KINDS[kind.name] for kind in kinds]
    return st.one_of(known) if known else values


def option_values(option: Option) -> Any:
    chosen = st.sampled_from(option.choices) if option.choices else of_kinds(option.kinds)
    return st.one_of(chosen, chosen, chosen, values)


def argument(function: Builtin, parameter: Parameter) -> Any:
    """Mostly what the parameter takes, sometimes anything."""
    if parameter.name == "options":
        table = {key: option_values(option) for key, option in function.options.items()}
        fit = st.fixed_dictionaries({}, optional=table).map(lambda given: Map(given) or [])
    else:
        fit = of_kinds(parameter.kinds)
    return st.one_of(*[fit] * 9, values)


@st.composite
def arguments(draw: Any, function: Builtin) -> list[Any]:
    """As many as the function takes, or one more."""
    found: list[Any] = []
    for parameter in function.parameters:
        if parameter.optional and not draw(st.booleans()):
            return found
        if parameter.variadic:
            return found + draw(st.lists(values, max_size=4))
        found.append(draw(argument(function, parameter)))
    return found + draw(st.lists(values, max_size=draw(st.sampled_from([0] * 9 + [1]))))


def members() -> Iterator[tuple[str, str, Builtin]]:
    """What a script writes to call each, the object that it is called on, and the function."""
    for name, function in FUNCTIONS.items():
        if name == function.name:
            yield name, "", function
    for name, made in CLASSES.items():
        yield name, "", made.constructor
        for static, function in made.statics.items():
            yield f"{name}::{static}", "", function
        for method, function in made.methods.items():
            yield f"$object->{method}", name, function


def odd(value: Any) -> str:
    """Why something is no value of the language; "" if it is one."""
    if value is None or isinstance(value, (bool, float, Function, Object)):
        return ""
    if isinstance(value, int):
        return "" if abs(value) <= 2**53 else f"the integer {value}"
    if isinstance(value, str):
        return "" if all(character <= "\xff" for character in value) else f"text {value!r}"
    if isinstance(value, list):
        return next((text for item in value if (text := odd(item))), "")
    if isinstance(value, Map):
        strange = [key for key in value if not isinstance(key, (int, str))]
        if strange or list(value) == list(range(len(value))):
            return f"keys {list(value)}"
        return next((text for item in value.values() if (text := odd(item))), "")
    return f"a Python {type(value).__name__}"


class MisuseTests(SynchronousTestCase):
    """One test for each function, static function, method and constructor."""

    def check(self, written: str, class_name: str, function: Builtin) -> None:
        script = compile_script(f"return {written}(...$arguments);", "call.hsl", CALLS)
        folder = self.mktemp()
        # What runs leaves its limits behind; the functions that other tests call have no others.
        self.patch(ACTIVE, "limits", ACTIVE.limits)
        self.patch(ACTIVE, "running", ACTIVE.running)
        clock = Clock()
        environment = furnished(clock, folder, limits=LIMITS)

        @QUIET
        @given(arguments(function))
        def calls(given_arguments: list[Any]) -> None:
            target = OBJECTS[class_name]() if class_name else None
            variables = {"arguments": given_arguments, "object": target}
            outcome: list[Any] = []
            try:
                result = script.run(variables, environment)
            except ScriptRuntimeError as error:
                result = error
            if isinstance(result, Deferred):
                result.addBoth(outcome.append)
                for _ in range(50):
                    if not outcome:
                        clock.advance(30)
                result = outcome[0] if outcome else None
                result = getattr(result, "value", result)
            if isinstance(result, Exception):
                self.assertIsInstance(result, ScriptRuntimeError)
                said = str(result)
                self.assertNotIn("internal error", said, f"{written}{given_arguments}")
                self.assertNotIn("<class", said)
                self.assertNotIn("Traceback", said)
            else:
                found = getattr(result, "value", result)
                self.assertEqual(odd(found), "", f"{written}{given_arguments}")

        calls()


def _test(written: str, class_name: str, function: Builtin) -> Any:
    def test(self: MisuseTests) -> None:
        self.check(written, class_name, function)

    test.__doc__ = f"{written}() with any values."
    return test


for _written, _class_name, _function in members():
    _name = f"{_class_name}_{_written}".replace("$object->", "").replace("::", "_").strip("_")
    setattr(MisuseTests, f"test_{_name}", _test(_written, _class_name, _function))


class OddTests(SynchronousTestCase):
    """The judge itself."""

    def test_odd(self) -> None:
        """Values pass, and what is none does not."""
        for value in (None, True, 1, 1.5, "\xff", [1, ["a"]], Map({"a": 1.0}), MIME(), Map({1: 0})):
            self.assertEqual(odd(value), "")
        for value in (b"x", "\u0100", (1,), {1}, {"a": 1}, [b"x"], Map({0: 1}), Map({1.5: 1})):
            self.assertNotEqual(odd(value), "")
