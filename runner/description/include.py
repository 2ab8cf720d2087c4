# SPDX-License-Identifier: Apache-2.0
"""``<include from="…"/>``: another file's elements in its place, with their own file and lines in errors.

Better than KIWI: an included file may include others, be in any syntax, and be of a schema version of its own, as
each file is upgraded before it is placed. Names are relative to the description's folder, wherever the include
stands, and may lead elsewhere in the checkout, but not out of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import msgspec

from runner.description import folder
from runner.description.formats import MAX_BYTES, parse
from runner.description.formats.limits import MAX_ELEMENTS
from runner.description.formats.values import short
from runner.description.model.element import BASE, location_of
from runner.description.upgrade import upgrade
from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_FILES = 256
"""Includes of one description, counted as often as they stand in it."""

MAX_CHAIN = 16
"""Files that include each other one below the other."""


class Part(msgspec.Struct, frozen=True):
    """A file that is part of a description: its name as errors show it, and its bytes."""

    name: str
    data: bytes


class Assembly(msgspec.Struct):
    """The files of one description while it is put together.

    Attributes:
        directory: the description's folder.
        boundary: the checkout around it; None: nothing but the folder may be read.
        parts: every file that was read, by name; the main file first.
        versions: the schema version each of them was written in.
    """

    directory: Path
    boundary: Path | None = None
    parts: dict[str, Part] = {}
    versions: dict[str, str] = {}
    _count: int = 0
    _elements: int = 0

    def main(self, name: str) -> tuple[_Element, str]:
        """Read the main file, upgraded and with everything included; return it and the version it was written in.

        Raises:
            DescriptionError: a file cannot be read, is no description, leads out, or includes itself.
        """
        path = folder.inside(self.directory, name, what="the kiwi file", boundary=self.boundary)
        root = image(self._read(name, path, None))
        written = self.versions[name] = upgrade(root).written
        self._expand(root, written, (name,))
        _mark(root, name)
        return root, written

    def _expand(self, root: _Element, version: str, chain: tuple[str, ...]) -> None:
        for element in list(root.iterchildren("include")):
            where = location_of(element)
            name, path = self._target((element.get("from") or "").strip(), where)
            self._account(root, chain, name, where)
            inner = image(self._read(name, path, where))
            written = self.versions[name] = upgrade(inner, default=version).written
            self._expand(inner, written, (*chain, name))
            _replace(element, inner, name)

    def _account(self, root: _Element, chain: tuple[str, ...], name: str, where: Location) -> None:
        if name in chain:
            way = " → ".join((*chain[chain.index(name) :], name))
            raise DescriptionError(
                "an include leads back to where it comes from", where=where, why=way, hint="remove one of them"
            )
        self._count += 1
        if self._count > MAX_FILES or len(chain) > MAX_CHAIN:
            raise DescriptionError(
                f"more than {MAX_FILES} includes, or more than {MAX_CHAIN} inside each other", where=where
            )
        self._elements += sum(1 for _ in root.iter("*"))
        if self._elements > MAX_ELEMENTS:
            raise DescriptionError(f"with all includes there are more than {MAX_ELEMENTS} elements", where=where)

    def _target(self, address: str, where: Location) -> tuple[str, Path]:
        """Return an included file's name relative to the folder, and its path."""
        scheme, mark, path = address.partition("://")
        if not mark:
            scheme, path = "", address
        if scheme not in {"", "this", "file"}:
            raise DescriptionError(
                f"an include from {short(scheme)}:// is not read",
                where=where,
                why="a description is complete in its checkout: nothing of it comes from elsewhere",
                hint="keep the file in the repository and include it by its path",
            )
        if scheme == "file":
            path = unquote(path)
        if not path or any(char < " " for char in path) or path.startswith("/") != (scheme == "file"):
            raise DescriptionError(
                f"{short(address)!r} is no name of a file to include",
                where=where,
                hint="name it relative to the description's folder",
            )
        target = self.directory / path
        top = (self.boundary or self.directory).resolve()
        try:
            inside = target.resolve().is_relative_to(top)
        except (OSError, RuntimeError):  # a link that leads to itself
            inside = False
        if not inside:
            raise DescriptionError(
                f"the include of {short(address)!r} leads outside of "
                + ("the checkout" if self.boundary else "the folder of the description"),
                where=where,
                why="it would read files of the machine that builds",
                hint="keep the file in the repository",
            )
        return os.path.relpath(
            os.path.normpath(target.absolute()), os.path.normpath(self.directory.absolute())
        ), target

    def _read(self, name: str, path: Path, where: Location | None) -> Part:
        if name not in self.parts:
            try:
                with path.open("rb") as stream:
                    self.parts[name] = Part(name, stream.read(MAX_BYTES + 1))
            except OSError as error:
                what = "the description cannot be read" if where is None else f"the file {name} cannot be included"
                raise DescriptionError(what, where=where or Location(name), why=error.strerror or None) from error
        return self.parts[name]


def image(part: Part) -> _Element:
    """Parse a file whose root must be ``<image>``.

    Raises:
        DescriptionError: malformed, or another document.
    """
    root = parse(part.data, part.name)
    if root.tag != "image":
        raise DescriptionError(
            f"the document is a <{root.tag!s}>, not an <image>",
            where=Location(part.name, root.sourceline),
            hint="this file is no image description; choose another with --kiwi-file",
        )
    return root


def _replace(include: _Element, inner: _Element, name: str) -> None:
    """Put the children of ``inner`` in the place of ``include``."""
    parent = include.getparent()
    if parent is None:
        return
    place = parent.index(include)
    tail = include.tail
    for child in list(inner):
        if isinstance(child.tag, str) and BASE not in child.attrib:
            child.set(BASE, quote(quote(name)))  # libxml2 undoes one of the two
        child.tail = child.tail or "\n"
        parent.insert(place, child)
        place += 1
    before = include.getprevious()
    if before is not None:
        before.tail = tail
    parent.remove(include)


def _mark(root: _Element, main: str) -> None:
    """Make the marks of included elements relative to the main file, as XML Base wants them."""
    here = os.path.dirname(main)  # noqa: PTH120  # the folder part of a name, no path of this machine
    if here:
        for element in root.iterchildren("*"):
            if BASE in element.attrib:
                element.set(BASE, quote(quote(os.path.relpath(unquote(unquote(element.attrib[BASE])), here))))
