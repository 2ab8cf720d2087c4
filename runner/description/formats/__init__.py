# SPDX-License-Identifier: Apache-2.0
"""The syntaxes of a description, one module each; which one is told by the content, as KIWI does.

A format is ``sniff(text)``: is this mine, and ``parse(text, name)``: the lxml tree of the description, with the
lines of all elements, and comments where they stood. All formats end in the same tree, so nothing after this
package knows in which syntax a description was written.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Literal, Protocol, cast, get_args

from runner.description.formats.decode import decode, refuse_control
from runner.description.formats.limits import MAX_BYTES
from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from lxml.etree import _Element

__all__ = ["MAX_BYTES", "SYNTAXES", "Syntax", "parse", "syntax_of", "to_text"]

Syntax = Literal["xml", "json", "toml", "yaml"]

SYNTAXES: tuple[Syntax, ...] = get_args(Syntax)
"""In the order they are tried; YAML accepts most and comes last."""


class _Format(Protocol):
    def sniff(self, text: str) -> bool: ...

    def parse(self, text: str, name: str) -> _Element: ...


def to_text(root: _Element) -> str:
    """Print a tree as an XML document."""
    from lxml import etree

    return etree.tostring(root, encoding="unicode") + "\n"


def parse(data: bytes, name: str) -> _Element:
    """Parse the bytes of the file called ``name`` into a tree.

    Raises:
        DescriptionError: too large, empty, not text, or in no known syntax; malformed input with its line.
    """
    text = _text(data, name)
    form = _format(_told(text, name))
    refuse_control(text, name)
    return form.parse(text, name)


def syntax_of(data: bytes, name: str) -> Syntax:
    """Return the syntax that the bytes of the file called ``name`` are in, told by its beginning.

    Raises:
        DescriptionError: too large, empty, not text, or in no known syntax.
    """
    return _told(_text(data, name), name)


def _text(data: bytes, name: str) -> str:
    if len(data) > MAX_BYTES:
        raise DescriptionError(f"the description is larger than {MAX_BYTES >> 20} MiB", where=Location(name))
    if not data.strip():
        raise DescriptionError("the description is empty", where=Location(name))
    return decode(data, name)


def _told(text: str, name: str) -> Syntax:
    for syntax in SYNTAXES:
        if _format(syntax).sniff(text):
            return syntax
    raise DescriptionError(
        "this file is not a description in XML, YAML, JSON or TOML",
        where=Location(name, 1),
        why="it begins like none of them",
        hint="begin with <image …>, or with the key `image`",
    )


def _format(syntax: Syntax) -> _Format:
    return cast("_Format", import_module(f"runner.description.formats.{syntax}"))
