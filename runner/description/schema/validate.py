# SPDX-License-Identifier: Apache-2.0
"""Check a tree against the grammar, and say for each fault what is wrong, where, and what was probably meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from runner.description.finding import Finding
from runner.description.model.element import BASE, location_of
from runner.description.schema.grammar import grammar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.etree import _Element

    from runner.description.schema.grammar import ElementRule

MAX_FINDINGS = 50
"""A file that is no description at all need not be told about to the end."""

_LONGEST = 60
"""Characters of a name or value that are shown."""

_SECRET = frozenset({"password", "luks", "username"})


def validate_tree(root: _Element) -> list[Finding]:
    """Return every violation in document order, at most :data:`MAX_FINDINGS`."""
    findings: list[Finding] = []
    stack = [(root, grammar())]
    while stack:
        element, rule = stack.pop()
        known: list[tuple[_Element, ElementRule]] = []
        for finding in (*_attributes(element, rule), *_children(element, rule, known), *_text(element, rule)):
            findings.append(finding)
            if len(findings) == MAX_FINDINGS:
                return findings
        stack.extend(reversed(known))
    return findings


def _attributes(element: _Element, rule: ElementRule) -> Iterator[Finding]:
    for raw, value in element.attrib.items():
        name = str(raw)
        if name == BASE:
            continue
        allowed = rule.attributes.get(name)
        if allowed is None:
            yield _finding(
                "schema_unknown_attribute",
                element,
                f"<{_short(element.tag)}> has no attribute `{_short(name)}`" + _meant(name, rule.attributes),
                "remove or rename it",
            )
        elif not allowed.value.accepts(str(value)):
            shown = "its value" if name in _SECRET else f'"{_short(value)}"'
            yield _finding(
                "schema_bad_value",
                element,
                f"{name} of <{_short(element.tag)}>: {shown} is not allowed, expected is {allowed.value.expected}"
                + _meant(str(value), allowed.value.choices or ()),
            )
    for name, wanted in rule.attributes.items():
        if wanted.required and name not in element.attrib:
            yield _finding(
                "schema_missing_attribute", element, f"<{_short(element.tag)}> needs the attribute `{name}`"
            )


def _children(
    element: _Element, rule: ElementRule, known: list[tuple[_Element, ElementRule]]
) -> Iterator[Finding]:
    """Yield what is wrong with the children's names and numbers, and put those to look into on ``known``."""
    if rule.anything:
        return
    seen: dict[str, int] = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        seen[child.tag] = seen.get(child.tag, 0) + 1
        allowed = rule.children.get(child.tag)
        if allowed is None:
            yield _unknown_child(child, element, rule)
            continue
        known.append((child, allowed.element))
        if allowed.most is not None and seen[child.tag] == allowed.most + 1:
            yield _finding(
                "schema_repeated_element", child, f"<{_short(element.tag)}> may hold only one <{child.tag}>"
            )
    for name, wanted in rule.children.items():
        if seen.get(name, 0) < wanted.least:
            yield _finding("schema_missing_element", element, f"<{_short(element.tag)}> needs a <{name}>")


def _unknown_child(child: _Element, parent: _Element, rule: ElementRule) -> Finding:
    name = str(child.tag)
    message = f"<{_short(parent.tag)}> has no element <{_short(name)}>"
    homes = _homes().get(name, ())
    if homes:
        message += "; it belongs into " + " or ".join(f"<{home}>" for home in homes)
    else:
        message += _meant(name, rule.children, "<{}>")
    return _finding("schema_unknown_element", child, message, "move, remove or rename it")


def _text(element: _Element, rule: ElementRule) -> Iterator[Finding]:
    if rule.anything:
        return
    text = "".join([element.text or "", *(child.tail or "" for child in element)])
    if rule.text is None:
        if text.strip():
            yield _finding(
                "schema_unexpected_text",
                element,
                f'<{_short(element.tag)}> holds the text "{_short(text.strip())}" but may not hold any',
            )
    elif not rule.text.accepts(text):
        yield _finding(
            "schema_bad_value",
            element,
            f'"{_short(text.strip())}" in <{_short(element.tag)}> is not allowed, expected is {rule.text.expected}'
            + _meant(text, rule.text.choices or ()),
        )


def _homes() -> dict[str, tuple[str, ...]]:
    """Return the elements each element may stand in, by its name."""
    homes: dict[str, dict[str, None]] = {}
    todo, done = [grammar()], set[int]()
    while todo:
        rule = todo.pop()
        if id(rule) in done or rule.anything:
            continue
        done.add(id(rule))
        for name, child in rule.children.items():
            homes.setdefault(name, {})[rule.name] = None
            todo.append(child.element)
    return {name: tuple(parents) for name, parents in homes.items()}


def _meant(name: str, known: Iterable[str], form: str = "`{}`") -> str:
    if len(name) > _LONGEST:
        return ""
    close = difflib.get_close_matches(name.strip().lower(), list(known), n=1, cutoff=0.7)
    return f"; did you mean {form.format(close[0])}?" if close else ""


def _short(text: object) -> str:
    told = "".join(char if char.isprintable() else "�" for char in str(text))
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1] + "…"


def _finding(rule: str, element: _Element, message: str, remedy: str = "") -> Finding:
    return Finding(id=rule, severity="error", message=message, where=location_of(element), remedy=remedy)
