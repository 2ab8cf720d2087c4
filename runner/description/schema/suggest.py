# SPDX-License-Identifier: Apache-2.0
"""What was probably meant by a name or value that does not fit, and where it would fit."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from runner.description.schema.grammar import grammar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.description.schema.grammar import ElementRule

LONGEST = 60
"""Characters of a name or value that are shown; longer ones are not compared either."""

_FEW = 12
"""So many allowed names can be listed in a message."""

_PLACES = 3
"""So many places are helpful; an attribute like ``name`` belongs to half of all elements."""


def meant(name: str, known: Iterable[str]) -> str | None:
    """Return the one of ``known`` that looks most like ``name``, however it is capitalised."""
    if len(name) > LONGEST:
        return None
    by_lower = {entry.lower(): entry for entry in known}
    import difflib  # only for descriptions with mistakes

    close = difflib.get_close_matches(name.strip().lower(), by_lower, n=1, cutoff=0.7)
    return by_lower[close[0]] if close else None


def element_advice(name: str, parent: ElementRule, guess: str | None) -> str:
    """Say where the element ``name``, which ``parent`` does not have, belongs, or what there is instead."""
    homes = _element_homes().get(name, ())
    if homes:
        return "; it belongs into " + " or ".join(f"<{home}>" for home in homes)
    if name in parent.attributes:
        return "; write it as an attribute"
    if guess:
        return f"; did you mean <{guess}>?"
    if not parent.children:
        return "; it holds no elements"
    return "; allowed: " + ", ".join(parent.children) if len(parent.children) <= _FEW else ""


def attribute_advice(name: str, element: ElementRule, guess: str | None) -> str:
    """Say where the attribute ``name``, which ``element`` does not have, belongs, or what there is instead."""
    if name in element.children:
        return "; write it as an element"
    near = [child for child, entry in element.children.items() if name in entry.element.attributes]
    homes = near or _attribute_homes().get(name, [])
    if guess is None and 0 < len(homes) <= _PLACES:
        return "; it belongs to " + " or ".join(f"<{home}>" for home in homes)
    if guess:
        return f"; did you mean `{guess}`?"
    if not element.attributes:
        return "; it has none"
    return "; allowed: " + ", ".join(element.attributes) if len(element.attributes) <= _FEW else ""


def every_rule() -> Iterable[ElementRule]:
    """Yield the rule of every element once."""
    todo, done = [grammar()], set[int]()
    while todo:
        rule = todo.pop()
        if id(rule) not in done and not rule.anything:
            done.add(id(rule))
            yield rule
            todo.extend(child.element for child in rule.children.values())


@functools.cache
def _element_homes() -> dict[str, list[str]]:
    homes: dict[str, dict[str, None]] = {}
    for rule in every_rule():
        for name in rule.children:
            homes.setdefault(name, {})[rule.name] = None
    return {name: list(parents) for name, parents in homes.items()}


@functools.cache
def _attribute_homes() -> dict[str, list[str]]:
    homes: dict[str, dict[str, None]] = {}
    for rule in every_rule():
        for name in rule.attributes:
            homes.setdefault(name, {})[rule.name] = None
    return {name: list(elements) for name, elements in homes.items()}
