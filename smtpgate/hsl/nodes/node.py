"""What all nodes have: fields, a position, equality."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar, dataclass_transform

from smtpgate.hsl.errors import Position

_Made = TypeVar("_Made")


@dataclass_transform(frozen_default=True)
def construct(made: type[_Made]) -> type[_Made]:
    """A class of the tree, all of whose fields are given to make one.

    That nobody changes a node is for the type checker to see.  At run time a class has its own
    constructor, and the rest from :class:`Node`: to make full dataclasses, fifty of them, took
    longer than to parse ten scripts, and to make their nodes three times as long.
    """
    return dataclass(slots=True, eq=False, repr=False)(made)


@construct
class Node:
    """What all constructs have."""

    position: Position

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash(_values(self))

    def __repr__(self) -> str:
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return f"{type(self).__name__}({', '.join(shown)})"


def _values(node: object) -> tuple[object, ...]:
    return tuple(getattr(node, field.name) for field in fields(node))  # type: ignore[arg-type]
