# SPDX-License-Identifier: Apache-2.0
"""Check a tree against the grammar: one finding a mistake, with its place and what was probably meant."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from runner.description.finding import Finding
from runner.description.model.element import BASE, location_of
from runner.description.schema.grammar import grammar
from runner.description.schema.suggest import LONGEST, attribute_advice, element_advice, meant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from runner.description.schema.datatypes import Datatype
    from runner.description.schema.grammar import ElementRule

MAX_FINDINGS = 200
"""A file that is no description at all need not be told about to the end."""

_MOST_ATTRIBUTES = 1000
"""More than any element has. lxml's time to list attributes grows with the square of their number."""

_SECRET = frozenset({"password", "luks", "username"})


def validate_tree(root: _Element) -> list[Finding]:
    """Return every violation in document order, at most :data:`MAX_FINDINGS`."""
    findings: list[Finding] = []
    stack = [(root, grammar())]
    while stack:
        element, rule = stack.pop()
        known: list[tuple[_Element, ElementRule]] = []
        for finding in chain(_attributes(element, rule), _children(element, rule, known), _text(element, rule)):
            findings.append(finding)
            if len(findings) == MAX_FINDINGS:
                return findings
        stack.extend(reversed(known))
    return findings


def _plainly_right(element: _Element, rule: ElementRule) -> bool:
    """Tell at once that a leaf, as most elements are, has no finding."""
    if not rule.may_be_empty or len(element) or element.text is not None:
        return False
    attributes = element.attrib
    if len(attributes) > _MOST_ATTRIBUTES:
        return False
    checks = rule.checks
    for name, value in attributes.items():
        check = checks.get(name) or rule.quick_check(name)
        if check is None or not check(value):
            return False
    return all(map(attributes.has_key, rule.needed_attributes))


def _attributes(element: _Element, rule: ElementRule) -> Iterator[Finding]:
    if len(element.attrib) > _MOST_ATTRIBUTES:
        message = f"<{_short(element.tag)}> has {len(element.attrib)} attributes"
        yield _finding("schema_unknown_attribute", element, message, "remove those that do not belong to it")
        return
    present = {str(name): str(value) for name, value in element.attrib.items()}
    misspelt: set[str] = set()
    for name, value in present.items():
        if name == BASE:
            continue
        allowed = rule.attributes.get(name)
        if allowed is None:
            guess = meant(name, (entry for entry in rule.attributes if entry not in present))
            misspelt.update({guess} if guess else ())
            message = f"<{_short(element.tag)}> has no attribute `{_short(_prefixed(element, name))}`"
            message += attribute_advice(name, rule, guess)
            yield _finding("schema_unknown_attribute", element, message, "correct, move or remove it")
        elif not allowed.value.accepts(value):
            shown = "its value" if name in _SECRET else f'"{_short(value)}"'
            message = f"{name} of <{_short(element.tag)}>: {shown} is not allowed"
            yield _finding("schema_bad_value", element, message + _expected(value, allowed.value))
    for name, wanted in rule.attributes.items():
        if wanted.required and name not in present and name not in misspelt:
            message = f"<{_short(element.tag)}> needs the attribute `{name}`"
            yield _finding("schema_missing_attribute", element, message, f"add it: {wanted.value.expected}")


def _children(
    element: _Element, rule: ElementRule, known: list[tuple[_Element, ElementRule]]
) -> Iterator[Finding]:
    """Yield what is wrong with the children's names and numbers, and put those to look into on ``known``."""
    if rule.anything:
        return
    first: dict[str, _Element] = {}
    numbers: dict[str, int] = {}
    misspelt: set[str] = set()
    for child in element:
        tag = child.tag
        if not isinstance(tag, str):
            continue
        number = numbers[tag] = numbers.get(tag, 0) + 1
        if number == 1:
            first[tag] = child
        allowed = rule.children.get(tag)
        if allowed is None:
            guess = meant(tag, rule.children)
            misspelt.update({guess} if guess else ())
            message = f"<{_short(element.tag)}> has no element <{_short(tag)}>{element_advice(tag, rule, guess)}"
            yield _finding("schema_unknown_element", child, message, "move, remove or rename it")
            continue
        if not _plainly_right(child, allowed.element):
            known.append((child, allowed.element))
        if number - 1 == allowed.most:
            message = (
                f"<{_short(element.tag)}> may hold only one <{tag}>; the first is in line {first[tag].sourceline}"
            )
            yield _finding("schema_repeated_element", child, message, "remove one of them")
    for name, wanted in rule.children.items():
        if numbers.get(name, 0) < wanted.least and name not in misspelt:
            message = f"<{_short(element.tag)}> needs a <{name}>"
            yield _finding("schema_missing_element", element, message, "add it")


def _text(element: _Element, rule: ElementRule) -> Iterator[Finding]:
    if rule.anything:
        return
    text = "".join([element.text or "", *(child.tail or "" for child in element)])
    if rule.text is None:
        if text.strip():
            message = f'<{_short(element.tag)}> holds the text "{_short(text.strip())}" but may not hold any'
            yield _finding("schema_unexpected_text", element, message, "remove it")
    elif not rule.text.accepts(text):
        message = f'"{_short(text.strip())}" in <{_short(element.tag)}> is not allowed'
        yield _finding("schema_bad_value", element, message + _expected(text, rule.text))


def _expected(value: str, allowed: Datatype) -> str:
    guess = meant(value, allowed.choices or ())
    return f", expected is {allowed.expected}" + (f"; did you mean {guess}?" if guess else "")


def _prefixed(element: _Element, name: str) -> str:
    """Return the name of an attribute as it is written in the file."""
    uri, _, local = name.removeprefix("{").rpartition("}")
    prefix = next((prefix for prefix, found in element.nsmap.items() if uri and found == uri), None)
    return f"{prefix}:{local}" if prefix else name


def _short(text: object) -> str:
    told = "".join(char if char.isprintable() else "�" for char in str(text))
    return told if len(told) <= LONGEST else told[: LONGEST - 1] + "…"


def _finding(rule: str, element: _Element, message: str, remedy: str = "") -> Finding:
    return Finding(id=rule, severity="error", message=message, where=location_of(element), remedy=remedy)
