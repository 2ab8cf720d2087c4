# SPDX-License-Identifier: Apache-2.0
"""Read the RELAX NG grammar in XML syntax into rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.schema.datatypes import BOOLEAN, TEXT, Datatype
from runner.description.schema.grammar import AttributeRule, ChildRule, CompiledRule, ElementRule

if TYPE_CHECKING:
    from lxml.etree import _Element

RNG = "{http://relaxng.org/ns/structure/1.0}"

_DOCUMENTATION = "{http://relaxng.org/ns/compatibility/annotations/1.0}documentation"
_VALUE = ".value"


def read_grammar(text: str) -> ElementRule:
    """Return the rule of the root element.

    Raises:
        ValueError: the grammar uses something this reader does not know: a mistake in the grammar.
    """
    from lxml import etree

    return _Reader(etree.fromstring(text.encode(), etree.XMLParser(remove_comments=True))).start()


def compiled(root: ElementRule) -> list[CompiledRule]:
    """Return all rules that ``root`` refers to as a list, ``root`` first."""
    rules, places = [root], {id(root): 0}
    for rule in rules:
        for child in rule.children.values():
            if places.setdefault(id(child.element), len(rules)) == len(rules):
                rules.append(child.element)
    return [
        CompiledRule(
            rule.name,
            list(rule.attributes.values()),
            [(places[id(child.element)], child.least, child.most) for child in rule.children.values()],
            rule.text,
            rule.anything,
        )
        for rule in rules
    ]


class _Reader:
    """Turns the definitions reachable from the start into rules."""

    def __init__(self, root: _Element) -> None:
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
            rule.text = _datatype(pattern)

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
        return self._named_value(pattern.attrib["name"]) if _kind(pattern) == "ref" else _datatype(pattern)

    def _named_value(self, name: str) -> Datatype:
        """Read a definition of values; its documentation tells what they are."""
        define = self._defines[name]
        told = (define.findtext(_DOCUMENTATION) or "text").strip(" .\n")
        return _datatype(define[-1], kind=name.removesuffix(_VALUE), told=told[:1].lower() + told[1:])


def _kind(node: _Element) -> str:
    return str(node.tag).removeprefix(RNG)


def _name(pattern: _Element) -> str:
    """Return the name of an ``<element>`` or ``<attribute>`` as lxml writes it."""
    name = next(pattern.iterchildren(f"{RNG}name"))
    namespace = name.get("ns")
    return f"{{{namespace}}}{name.text}" if namespace else name.text or ""


def _datatype(pattern: _Element, *, kind: str = "", told: str = "") -> Datatype:
    """Read ``<text>``, ``<data>``, ``<value>`` or a ``<choice>`` of values.

    Raises:
        ValueError: the grammar uses something this reader does not know: a mistake in the grammar.
    """
    found = str(pattern.tag).removeprefix(RNG)
    if found == "text":
        return TEXT
    if found == "value":
        return Datatype(choices=(pattern.text or "",))
    if found == "choice":
        return Datatype(choices=tuple(entry.text or "" for entry in pattern.iter(f"{RNG}value")))
    if found == "data" and pattern.get("type") == "boolean":
        return BOOLEAN
    if found == "data" and pattern.get("type") == "token":
        expression = pattern.findtext(f"{RNG}param[@name='pattern']")
        return Datatype(pattern=expression or None, kind=kind, told=told)
    raise ValueError(f"unknown datatype pattern {found} in line {pattern.sourceline}")
