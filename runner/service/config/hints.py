# SPDX-License-Identifier: Apache-2.0
"""What a field's type says, taken apart once: the type beneath, its bounds and how it is read."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from runner.service.config.kinds import Reading


@dataclass(frozen=True, slots=True)
class Hint:
    """A type of a field.

    Attributes:
        wanted: the type as it was written.
        base: without ``Annotated`` and ``None``.
        metas: what ``Annotated`` added, the inner first.
    """

    wanted: Any
    base: Any
    metas: tuple[msgspec.Meta, ...]

    @property
    def struct(self) -> type[msgspec.Struct] | None:
        return self.base if isinstance(self.base, type) and issubclass(self.base, msgspec.Struct) else None

    @property
    def choices(self) -> tuple[str, ...]:
        return get_args(self.base) if get_origin(self.base) is Literal else ()

    @property
    def inner(self) -> tuple[Any, ...]:
        """The types of a table's keys and values, or of a list's items."""
        return get_args(self.base)

    @property
    def reading(self) -> Reading:
        found = [meta.extra["reading"] for meta in self.metas if meta.extra]
        return found[-1] if found else Reading()

    @property
    def title(self) -> str:
        return next((meta.title for meta in reversed(self.metas) if meta.title), "")

    def bound(self, name: str) -> Any:
        """Return ``ge``, ``gt``, ``le``, ``min_length`` or ``max_length``; None where there is none."""
        return next((found for meta in self.metas if (found := getattr(meta, name)) is not None), None)

    @property
    def description(self) -> str:
        return next((meta.description for meta in reversed(self.metas) if meta.description), "")


@functools.cache
def fields_of(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    """Return a struct's fields; msgspec works them out anew each time."""
    return msgspec.structs.fields(struct)


@functools.cache
def hint_of(wanted: Any) -> Hint:
    """Take the type of a field apart."""
    base, metas = wanted, list[msgspec.Meta]()
    while get_origin(base) in {Annotated, Union, UnionType}:
        if get_origin(base) is Annotated:
            metas = [*base.__metadata__, *metas]
            base = base.__origin__
        else:
            base = next(kind for kind in get_args(base) if kind is not NoneType)
    return Hint(wanted, base, tuple(metas))
