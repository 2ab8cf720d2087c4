# SPDX-License-Identifier: Apache-2.0
"""From values to the tree of elements, by the conventions KIWI's users know.

``@name`` is an attribute, ``#text`` the text of an element that has attributes, a list repeats its element, and
anything else is a child element.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.description.formats.decode import control_character, forbidden
from runner.description.formats.limits import MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, MAX_LINE
from runner.description.formats.values import Items, Scalar, Table, short
from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml.etree import _Element

    from runner.description.formats.values import Comment, Value

_XML = "http://www.w3.org/XML/1998/namespace"


def to_tree(value: Value, name: str, comments: Sequence[Comment] = ()) -> _Element:
    """Make the tree of a whole document, with its lines and comments.

    Raises:
        DescriptionError: not one root element, a key that can be no name, or absurdly deep or large.
    """
    if not isinstance(value, Table) or len(value.entries) != 1 or isinstance(value.entries[0][1], Items):
        raise DescriptionError(
            "the document has not one element at its top",
            where=Location(name, value.line),
            hint="begin with the key `image` and put everything else below it",
        )
    (tag, top) = value.entries[0]
    root = _Builder(name).root(tag, top)
    root.getroottree().docinfo.URL = quote(name)
    _place(root, comments)
    return root


@dataclass(slots=True)
class _Builder:
    """Makes elements, and counts what it made: aliases can turn a small file into a large tree."""

    name: str
    elements: int = 0
    size: int = 0

    def root(self, tag: str, value: Value) -> _Element:
        from lxml import etree

        outer = {"xml": _XML}
        scope = self._scope(value, outer)
        try:
            root = etree.Element(self._qualified(tag, scope, value.line), nsmap=_new(scope, outer))
        except ValueError:
            raise self._no_name(tag, value.line) from None
        self._fill(root, value, scope, 1)
        return root

    def _child(self, parent: _Element, tag: str, value: Value, outer: Mapping[str, str], depth: int) -> None:
        from lxml import etree

        if isinstance(value, Items):
            raise self._error(value, "a list directly inside of a list", "write one list")
        if depth > MAX_DEPTH or self.elements >= MAX_ELEMENTS:
            what = (
                f"elements nest deeper than {MAX_DEPTH}"
                if depth > MAX_DEPTH
                else f"more than {MAX_ELEMENTS} elements"
            )
            raise DescriptionError(
                what, where=Location(self.name, value.line), why="no image description needs that"
            )
        self.elements += 1
        scope = self._scope(value, outer)
        declared = None if scope is outer else _new(scope, outer)
        try:
            element = etree.SubElement(parent, self._qualified(tag, scope, value.line), nsmap=declared)
        except ValueError:
            raise self._no_name(tag, value.line) from None
        self._fill(element, value, scope, depth)

    def _fill(self, element: _Element, value: Value, scope: Mapping[str, str], depth: int) -> None:
        element.sourceline = min(value.line, MAX_LINE)  # type: ignore[misc]  # lxml lets us, its stubs do not
        if isinstance(value, Scalar):
            element.text = self._text(value) or None
        elif isinstance(value, Table):
            for key, inner in value.entries:
                if key == "#text":
                    element.text = self._text(inner) or None
                elif key.startswith("@"):
                    self._attribute(element, key, inner, scope)
                else:
                    for one in inner.values if isinstance(inner, Items) else (inner,):
                        self._child(element, key, one, scope, depth + 1)

    def _attribute(self, element: _Element, key: str, value: Value, scope: Mapping[str, str]) -> None:
        if key == "@xmlns" or key.startswith("@xmlns:"):
            return
        try:
            name = self._qualified(key[1:], scope, value.line) if ":" in key or "{" in key else key[1:]
            element.set(name, self._text(value))
        except ValueError:
            raise self._no_name(key, value.line) from None

    def _text(self, value: Value) -> str:
        if not isinstance(value, Scalar):
            raise self._error(value, "a list or table where one text belongs", "write one value")
        self.size += len(value.text)
        if self.size > MAX_BYTES:
            raise self._error(value, f"the description unfolds to more than {MAX_BYTES >> 20} MiB", "repeat less")
        found = forbidden(value.text)
        if found:
            raise control_character(found[0], Location(self.name, value.line))
        return value.text

    def _scope(self, value: Value, outer: Mapping[str, str]) -> Mapping[str, str]:
        """Return the namespaces that hold in an element, by prefix; the default one has the prefix ``""``."""
        if not isinstance(value, Table) or not any(key.startswith("@xmlns") for key, _ in value.entries):
            return outer
        own = {
            key[len("@xmlns:") :]: self._text(inner)
            for key, inner in value.entries
            if key == "@xmlns" or key.startswith("@xmlns:")
        }
        return {**outer, **own} if own else outer

    def _qualified(self, name: str, scope: Mapping[str, str], line: int) -> str:
        prefix, colon, local = name.rpartition(":")
        if "{" in name or (colon and prefix not in scope):
            raise self._no_name(name, line)
        uri = scope.get(prefix, "")
        if uri == _XML and local == "base":
            raise self._no_name(name, line)
        return f"{{{uri}}}{local}" if uri else local

    def _no_name(self, key: str, line: int) -> DescriptionError:
        return DescriptionError(
            f"the key {short(key)!r} is no name of an element or attribute",
            where=Location(self.name, line),
            hint="attributes begin with @, their text is #text, everything else is the name of an element",
        )

    def _error(self, value: Value, what: str, hint: str) -> DescriptionError:
        return DescriptionError(what, where=Location(self.name, value.line), hint=hint)


def _new(scope: Mapping[str, str], outer: Mapping[str, str]) -> dict[str | None, str]:
    """Return the namespaces an element declares itself."""
    return {prefix or None: uri for prefix, uri in scope.items() if uri and outer.get(prefix) != uri}


def _place(root: _Element, comments: Sequence[Comment]) -> None:
    """Put each comment before the element it stands before or beside; after all of them, at the end."""
    from lxml import etree

    if not comments:
        return
    elements = sorted(root.iter(etree.Element), key=lambda element: element.sourceline or 0)
    lines = [element.sourceline or 0 for element in elements]
    for comment in comments:
        text = comment.text.replace("--", "- -").replace("--", "- -")
        node = etree.Comment(f" {text.strip()} ")
        find = bisect_left if comment.trailing else bisect_right
        at = find(lines, comment.line)
        if at == len(elements):
            root.append(node)
        else:
            elements[at].addprevious(node)
