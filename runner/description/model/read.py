# SPDX-License-Identifier: Apache-2.0
"""Fill a struct from an element: its fields say which attributes, texts and children it has, and of what kind.

A field of a plain kind is an attribute of the same name; a field that holds a :class:`Part` is a child, a tuple
of them all children of that kind. ``msgspec.field(name=…)`` names it where XML's name cannot be Python's, and
:data:`TEXT` stands for the text of the element itself. A struct that keeps its values in child elements instead of
attributes says ``VALUES_IN_CHILDREN``.
"""

from __future__ import annotations

from functools import cache
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast, get_args

import msgspec

from runner.description.model.element import Element, children, flag, location_of, number, text_of, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lxml.etree import _Element

TEXT = "#text"
"""Name of the field that takes the text of the element."""


class Part(Element, frozen=True, kw_only=True):
    """An element that :func:`read` can fill. ``TAG`` is its name in the description."""

    TAG: ClassVar[str]
    VALUES_IN_CHILDREN: ClassVar[bool] = False


class Attributes(msgspec.Struct, frozen=True, kw_only=True):
    """Some attributes of an element that has many, grouped by what they are about."""


_P = TypeVar("_P", bound=Part)
_A = TypeVar("_A", bound=Attributes)


def _trimmed(value: str | None) -> str:
    return (value or "").strip()


_CONVERTERS: dict[Any, Callable[[str | None], Any]] = {
    str: _trimmed,
    str | None: lambda value: value,
    bool | None: flag,
    int | None: number,
    int: lambda value: number(value) or 0,
    tuple[str, ...]: words,
}
"""How a value of each kind is read. ``str | None`` is kept to the letter: nothing and empty differ."""


class _Plain(msgspec.Struct, frozen=True):
    field: str
    name: str
    convert: Any


class _Child(msgspec.Struct, frozen=True):
    field: str
    kind: type[Part]
    many: bool


def read(kind: type[_P], element: _Element) -> _P:
    """Return ``element`` as ``kind``."""
    inner = {str(child.tag): text_of(child) for child in children(element)} if kind.VALUES_IN_CHILDREN else None
    values: dict[str, Any] = {"at": location_of(element)}
    for entry in _entries(kind):
        if isinstance(entry, _Child):
            values[entry.field] = _read_child(entry, element)
        elif entry.name == TEXT:
            values[entry.field] = entry.convert(text_of(element))
        else:
            values[entry.field] = entry.convert((element.attrib if inner is None else inner).get(entry.name))
    return kind(**values)


def read_first(kind: type[_P], parent: _Element) -> _P | None:
    """Return the first child of ``parent`` that is a ``kind``."""
    return next((read(kind, element) for element in children(parent, kind.TAG)), None)


def read_all(kind: type[_P], parent: _Element) -> tuple[_P, ...]:
    """Return all children of ``parent`` that are a ``kind``, in order."""
    return tuple(read(kind, element) for element in children(parent, kind.TAG))


def view(kind: type[_A], attributes: Mapping[str, str]) -> _A:
    """Return the ``attributes`` that ``kind`` groups, typed."""
    plain = (entry for entry in _entries(kind) if isinstance(entry, _Plain))
    return kind(**{entry.field: entry.convert(attributes.get(entry.name)) for entry in plain})


def names(kind: type[Part | Attributes]) -> tuple[str, ...]:
    """Return the names that ``kind`` gives its attributes (or values in children) in a description."""
    return tuple(entry.name for entry in _entries(kind) if isinstance(entry, _Plain) and entry.name != TEXT)


def _read_child(entry: _Child, element: _Element) -> Part | tuple[Part, ...] | None:
    return read_all(entry.kind, element) if entry.many else read_first(entry.kind, element)


@cache
def _entries(kind: type[Part | Attributes]) -> tuple[_Plain | _Child, ...]:
    return tuple(_entry(info) for info in msgspec.structs.fields(kind) if info.name != "at")


def _entry(info: msgspec.structs.FieldInfo) -> _Plain | _Child:
    convert = _CONVERTERS.get(info.type)
    if convert is not None:
        return _Plain(info.name, info.encode_name, convert)
    kind = next(part for part in get_args(info.type) if part not in {NoneType, Ellipsis})
    return _Child(info.name, cast("type[Part]", kind), Ellipsis in get_args(info.type))
