# SPDX-License-Identifier: Apache-2.0
"""What YAML, JSON and TOML have in common: texts, lists and tables with the lines they stand on.

Scalars are kept as they are written, so that version 1.10 does not become 1.1; only switches become ``true`` and
``false``, and null is empty.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from runner.errors import DescriptionError, Location

MAX_NESTING = 64
"""Lists and tables inside each other while reading; the tree made of them has a limit of its own."""

MAX_VALUES = 200_000
"""Values of one file, and comments of one file."""


class Scalar(msgspec.Struct, frozen=True):
    """A text; ``notes`` are the comments that stand before a value, for printing."""

    line: int
    text: str
    notes: tuple[str, ...] = ()


class Items(msgspec.Struct, frozen=True):
    """A list: an element that stands there more than once."""

    line: int
    values: tuple[Value, ...]
    notes: tuple[str, ...] = ()


class Table(msgspec.Struct, frozen=True):
    """Names and values in order: ``@name`` an attribute, ``#text`` the text, anything else child elements."""

    line: int
    entries: tuple[tuple[str, Value], ...]
    notes: tuple[str, ...] = ()


Value: TypeAlias = "Scalar | Items | Table"


class Comment(msgspec.Struct, frozen=True):
    """A comment at a line; ``trailing`` when something else stands before it on that line."""

    line: int
    text: str
    trailing: bool


def malformed(syntax: str, name: str, line: int | None, why: str) -> DescriptionError:
    """Return the error for a text that is not what it looks like."""
    return DescriptionError(
        f"the description is not well-formed {syntax}",
        where=Location(name, line),
        why=why,
        hint="look at that line and the one before it",
    )


def twice(name: str, line: int, key: str) -> DescriptionError:
    """Return the error for a key that stands twice in a table."""
    return DescriptionError(
        f"the key {short(key)!r} stands here a second time",
        where=Location(name, line),
        why="only one of the two would count",
        hint="make a list of it: an element that is there more than once is one key with a list",
    )


def short(text: str) -> str:
    """Return the beginning of a text from a hostile file, fit to be shown."""
    told = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:61])
    return told if len(text) <= 60 else told[:59] + "…"  # noqa: PLR2004  # one number, said twice
