"""The standard library: what every script may call, a chapter of the manual a file or a few.

All names are listed here and nowhere else.  Importing this package imports no chapter: a
module of the library is imported when somebody looks up one of its names, which is when the
first script that has it is compiled.  Looking through the names (for a hint, or to complete
one) imports nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Generic, TypeVar

from smtpgate.hsl.builtin import Builtin, BuiltinClass
from smtpgate.hsl.values import Function

Made = TypeVar("Made", bound=Function)


def _module(name: str) -> ModuleType:
    return import_module(f"{__name__}.{name}")


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter of the manual: the names that each of its modules defines, aliases too."""

    title: str
    functions: Mapping[str, str]
    classes: Mapping[str, str]

    def modules(self) -> list[ModuleType]:
        """Its modules, imported."""
        return [_module(name) for name in {**self.functions, **self.classes}]

    def all_functions(self) -> list[Builtin]:
        """Every function once, in the order of its module."""
        return [each for name in self.functions for each in _module(name).FUNCTIONS]

    def all_classes(self) -> list[BuiltinClass]:
        """Every class."""
        return [each for name in self.classes for each in _module(name).CLASSES]


def _chapter(title: str, *, classes: Mapping[str, str] | None = None, **functions: str) -> Chapter:
    return Chapter(title, functions, classes or {})


#: The chapters in the manual's order.
CHAPTERS = (
    _chapter(
        "Array",
        array="array_every array_filter array_find array_includes array_join array_keys array_map "
        "array_range array_reduce array_reverse array_sort array_values implode in_array range",
    ),
    _chapter(
        "Cryptographic",
        crypto="aes_decrypt aes_encrypt hash hmac_md5 hmac_sha1 hmac_sha2 md5 rand random_bytes "
        "random_number sha1 sha2",
        signing="ed25519_sign ed25519_verify pkcs7_sign rsa_sign rsa_verify",
        passwords="crypt",
        classes={"x509": "X509"},
    ),
    _chapter(
        "Data types",
        datatype="boolean count is_array is_boolean is_function is_number is_object is_string "
        "length number string strlen",
    ),
    _chapter(
        "Date and time",
        datetime="executiontime sleep strftime strptime time timelocal uptime",
    ),
    _chapter(
        "DNS",
        dns="dns_query domain_includes idna_decode idna_encode is_subdomain",
    ),
    _chapter(
        "Encodings and JSON",
        encoding="base64_decode base64_encode csv_decode csv_encode json_decode json_encode pack "
        "unpack urldecode urlencode",
    ),
    _chapter(
        "File and HTTP",
        file="file file_get_contents in_file",
        http="http",
        classes={"file": "File"},
    ),
    _chapter(
        "Mail",
        mail="GetAddressList header_addresslist_extract header_dkim_decode",
        envelope="envelope_address_parse envelope_localpart_escape xtext_decode xtext_encode",
        reputation="dnsbl spf_query",
    ),
    _chapter(
        "Mathematical",
        math="abs ceil floor log pow round sqrt",
    ),
    _chapter(
        "MIME",
        classes={"mime": "MIME"},
    ),
    _chapter(
        "Misc",
        misc="gethostname mail rate serial stat syslog uuid",
        network="in_network inet_includes inet_ntop inet_pton inet_reverse",
    ),
    _chapter(
        "Protocols",
        classes={"protocols": "LDAP"},
    ),
    _chapter(
        "String",
        string="chr explode ord str_find str_lower str_repeat str_replace str_rfind str_slice "
        "str_split str_strip str_upper strpos strrpos strtolower strtoupper substr trim",
    ),
    _chapter(
        "Regular expression",
        regex="pcre_match pcre_match_all pcre_quote pcre_replace",
    ),
    _chapter(
        "Socket",
        classes={"socket": "Socket"},
    ),
    _chapter(
        "Shared memory",
        memory="memory_add memory_dec memory_delete memory_exists memory_fetch memory_inc "
        "memory_store memory_update",
    ),
)


class Table(Mapping[str, Made], Generic[Made]):
    """What scripts can call, by name; what a name stands for is imported when it is looked up.

    :param homes: the module of each name
    :param attribute: where such a module lists what it defines
    :param made: names that need no import, in front of others
    """

    __slots__ = ("_attribute", "_homes", "_made")

    def __init__(
        self, homes: Mapping[str, str], attribute: str, made: Mapping[str, Made] | None = None
    ) -> None:
        self._homes = homes
        self._attribute = attribute
        self._made: dict[str, Made] = dict(made or {})

    def __getitem__(self, name: str) -> Made:
        if name not in self._made:
            listed = getattr(_module(self._homes[name]), self._attribute)
            # What is in front stays in front.
            self._made = by_name(listed) | self._made
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._homes or name in self._made

    def __iter__(self) -> Iterator[str]:
        yield from self._homes
        yield from (name for name in self._made if name not in self._homes)

    def __len__(self) -> int:
        return len(self._homes.keys() | self._made.keys())

    def __or__(self, others: Mapping[str, Made]) -> Table[Made]:
        """These names, and others in front of them."""
        return Table(self._homes, self._attribute, self._made | dict(others))


def by_name(made: Iterable[Made]) -> dict[str, Made]:
    """Functions under their names and aliases, or classes under their names.

    :raises ValueError: if two of them have the same name
    """
    table: dict[str, Made] = {}
    for each in made:
        for name in (each.name, *getattr(each, "aliases", ())):
            if name in table:
                raise ValueError(f"two functions are called {name}")
            table[name] = each
    return table


def _homes(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The module of each name."""
    return {
        name: module
        for modules in listed
        for module, names in modules.items()
        for name in names.split()
    }


#: Every function under its name and its aliases.
FUNCTIONS: Table[Builtin] = Table(_homes(chapter.functions for chapter in CHAPTERS), "FUNCTIONS")
#: Every class under its name.
CLASSES: Table[BuiltinClass] = Table(_homes(chapter.classes for chapter in CHAPTERS), "CLASSES")

__all__ = ["CHAPTERS", "CLASSES", "FUNCTIONS", "Chapter", "Table", "by_name"]
