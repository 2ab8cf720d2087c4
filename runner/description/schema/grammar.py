# SPDX-License-Identifier: Apache-2.0
"""Read the RELAX NG grammar into rules, one an element: its attributes, its children and its text.

libxml2 can run the grammar itself, but its time doubles with each optional attribute that is present (18 of them
take minutes), so a hostile description could stop a runner; and its messages do not say what to do. The grammar
keeps to a part of RELAX NG that needs no search: children in any order, told apart by name.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.description.schema.datatypes import RNG, Datatype, read_datatype

if TYPE_CHECKING:
    from lxml.etree import _Element

MAIN = Path(__file__).parent / "kiwi.rng"


@dataclass(frozen=True, slots=True)
class AttributeRule:
    name: str
    value: Datatype
    required: bool


@dataclass(frozen=True, slots=True)
class ChildRule:
    """A child element; ``least`` and ``most`` (None: no limit) say how often."""

    element: ElementRule
    least: int
    most: int | None


@dataclass(slots=True)
class ElementRule:
    """What may stand in one element. ``text`` is None where no text may stand; ``anything`` allows any content.

    Filled while the grammar is read, because rules may refer to each other, and never changed after.
    """

    name: str
    attributes: dict[str, AttributeRule] = field(default_factory=dict)
    children: dict[str, ChildRule] = field(default_factory=dict)
    text: Datatype | None = None
    anything: bool = False


@functools.cache
def grammar() -> ElementRule:
    """Return the rule of the root element ``<image>``."""
    reader = _Reader()
    reader.include(MAIN)
    return reader.start()


class _Reader:
    """Collects the definitions of all files, then turns those reachable from the start into rules."""

    def __init__(self) -> None:
        self._defines: dict[str, _Element] = {}
        self._rules: dict[_Element, ElementRule] = {}
        self._start: _Element | None = None

    def include(self, path: Path) -> None:
        from lxml import etree

        for entry in etree.fromstring(path.read_bytes(), etree.XMLParser(remove_comments=False)):
            kind = _kind(entry)
            if kind == "include":
                self.include(path.parent / entry.attrib["href"])
            elif kind == "start":
                self._start = entry
            elif kind == "define":
                self._defines[entry.attrib["name"]] = entry

    def start(self) -> ElementRule:
        top = ElementRule("")
        if self._start is None:
            raise ValueError("the grammar has no start")
        self._content(self._start, top, 1, 1)
        return next(iter(top.children.values())).element

    def _content(self, parent: _Element, rule: ElementRule, least: int, most: int | None) -> None:
        for pattern in parent:
            self._pattern(pattern, rule, least, most)

    def _pattern(self, pattern: _Element, rule: ElementRule, least: int, most: int | None) -> None:
        kind = _kind(pattern)
        if kind in {"optional", "zeroOrMore", "oneOrMore"}:
            self._content(pattern, rule, least if kind == "oneOrMore" else 0, most if kind == "optional" else None)
        elif kind in {"interleave", "group"}:
            self._content(pattern, rule, least, most)
        elif kind == "ref":
            self._reference(pattern.attrib["name"], rule, least, most)
        elif kind == "attribute":
            name = _qualified(pattern)
            rule.attributes[name] = AttributeRule(name, self._value(pattern), least > 0)
        elif kind == "element":
            if pattern.find(f"{RNG}anyName") is not None:
                rule.anything = True
                return
            child = self._element(pattern)
            rule.children[child.name] = ChildRule(child, least, most)
        elif kind not in {"empty", ""}:
            rule.text = read_datatype(pattern, "text")

    def _reference(self, name: str, rule: ElementRule, least: int, most: int | None) -> None:
        define = self._defines[name]
        if define.find(f"{RNG}data") is not None:
            rule.text = self._named_value(name)
        else:
            self._content(define, rule, least, most)

    def _element(self, pattern: _Element) -> ElementRule:
        if pattern not in self._rules:
            rule = self._rules[pattern] = ElementRule(pattern.attrib["name"])
            self._content(pattern, rule, 1, 1)
        return self._rules[pattern]

    def _value(self, attribute: _Element) -> Datatype:
        """Read the datatype of an attribute; a definition's comment tells what its values are."""
        pattern = next(entry for entry in attribute if _kind(entry))
        if _kind(pattern) != "ref":
            return read_datatype(pattern, "text")
        return self._named_value(pattern.attrib["name"])

    def _named_value(self, name: str) -> Datatype:
        define = self._defines[name]
        comment = define.getprevious()
        told = (comment.text or "").strip(" .\n") if comment is not None and not _kind(comment) else "text"
        return read_datatype(next(entry for entry in define if _kind(entry)), told[:1].lower() + told[1:])


def _kind(node: _Element) -> str:
    """Return the RELAX NG name of a node, empty for a comment."""
    return node.tag.removeprefix(RNG) if isinstance(node.tag, str) else ""


def _qualified(attribute: _Element) -> str:
    namespace = attribute.get("ns")
    return f"{{{namespace}}}{attribute.attrib['name']}" if namespace else attribute.attrib["name"]
