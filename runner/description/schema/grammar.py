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

MAIN = Path(__file__).parent / "compiled" / "kiwi.rng"

_DOCUMENTATION = "{http://relaxng.org/ns/compatibility/annotations/1.0}documentation"
_VALUE = ".value"


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


@dataclass
class ElementRule:
    """What may stand in one element. ``text`` is None where no text may stand; ``anything`` allows any content.

    Filled while the grammar is read, because rules may refer to each other, and never changed after.
    """

    name: str
    attributes: dict[str, AttributeRule] = field(default_factory=dict)
    children: dict[str, ChildRule] = field(default_factory=dict)
    text: Datatype | None = None
    anything: bool = False

    @functools.cached_property
    def needed_attributes(self) -> tuple[str, ...]:
        return tuple(name for name, rule in self.attributes.items() if rule.required)

    @functools.cached_property
    def needed_children(self) -> bool:
        return any(rule.least for rule in self.children.values())


@functools.cache
def grammar() -> ElementRule:
    """Return the rule of the root element ``<image>``."""
    return _Reader(MAIN).start()


class _Reader:
    """Turns the definitions reachable from the start into rules."""

    def __init__(self, path: Path) -> None:
        from lxml import etree

        root = etree.fromstring(path.read_bytes(), etree.XMLParser(remove_comments=True))
        self._start = root.find(f"{RNG}start")
        self._defines = {entry.attrib["name"]: entry for entry in root.iterchildren(f"{RNG}define")}
        self._rules: dict[_Element, ElementRule] = {}

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
            name = _name(pattern)
            rule.attributes[name] = AttributeRule(name, self._value(pattern), least > 0)
        elif kind == "element":
            if pattern.find(f"{RNG}anyName") is not None:
                rule.anything = True
                return
            child = self._element(pattern)
            rule.children[child.name] = ChildRule(child, least, most)
        elif kind not in {"empty", "name"}:
            rule.text = read_datatype(pattern)

    def _reference(self, name: str, rule: ElementRule, least: int, most: int | None) -> None:
        if name.endswith(_VALUE):
            rule.text = self._named_value(name)
        else:
            self._content(self._defines[name], rule, least, most)

    def _element(self, pattern: _Element) -> ElementRule:
        if pattern not in self._rules:
            rule = self._rules[pattern] = ElementRule(_name(pattern))
            self._content(pattern, rule, 1, 1)
        return self._rules[pattern]

    def _value(self, attribute: _Element) -> Datatype:
        pattern = attribute[-1]
        return self._named_value(pattern.attrib["name"]) if _kind(pattern) == "ref" else read_datatype(pattern)

    def _named_value(self, name: str) -> Datatype:
        """Read a definition of values; its documentation tells what they are."""
        define = self._defines[name]
        told = (define.findtext(_DOCUMENTATION) or "text").strip(" .\n")
        return read_datatype(define[-1], kind=name.removesuffix(_VALUE), told=told[:1].lower() + told[1:])


def _kind(node: _Element) -> str:
    return str(node.tag).removeprefix(RNG)


def _name(pattern: _Element) -> str:
    """Return the name of an ``<element>`` or ``<attribute>`` as lxml writes it."""
    name = next(pattern.iterchildren(f"{RNG}name"))
    namespace = name.get("ns")
    return f"{{{namespace}}}{name.text}" if namespace else name.text or ""
