# SPDX-License-Identifier: Apache-2.0
"""The grammar as rules, one an element: its attributes, its children and its text.

libxml2 can run the RELAX NG grammar itself, but its time doubles with each optional attribute that is present (18
of them take minutes), so a hostile description could stop a runner; and its messages do not say what to do. The
grammar keeps to a part of RELAX NG that needs no search: children in any order, told apart by name. So the
compiler turns it into rules, which load in a millisecond.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec

from runner.description.schema.datatypes import Datatype

RULES = Path(__file__).parent / "compiled" / "rules.json"


class AttributeRule(msgspec.Struct, frozen=True):
    name: str
    value: Datatype
    required: bool


class ChildRule(NamedTuple):
    """A child element; ``least`` and ``most`` (None: no limit) say how often."""

    element: ElementRule
    least: int
    most: int | None


class ElementRule(msgspec.Struct, eq=False, dict=True):
    """What may stand in one element. ``text`` is None where no text may stand; ``anything`` allows any content.

    Its children are filled in after it is made, because rules may refer to each other, and it never changes after.
    """

    name: str
    attributes: dict[str, AttributeRule] = {}
    children: dict[str, ChildRule] = {}
    text: Datatype | None = None
    anything: bool = False
    checks: dict[str, Callable[[str], object]] = {}

    @functools.cached_property
    def needed_attributes(self) -> frozenset[str]:
        """The attributes it cannot do without."""
        return frozenset(name for name, rule in self.attributes.items() if rule.required)

    def quick_check(self, attribute: str) -> Callable[[str], object] | None:
        """Return :meth:`Datatype.quick_check` of an attribute, None for one that may not stand there."""
        check = self.checks.get(attribute)
        if check is None and attribute in self.attributes:
            check = self.checks[attribute] = self.attributes[attribute].value.quick_check()
        return check

    @functools.cached_property
    def may_be_empty(self) -> bool:
        """Whether it may hold nothing, neither children nor text, and must not hold text."""
        return not self.anything and self.text is None and not any(rule.least for rule in self.children.values())


class CompiledRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rule as it is shipped: a child is the place of its rule among all rules, the least and the most."""

    name: str
    attributes: list[AttributeRule] = []
    children: list[tuple[int, int, int | None]] = []
    text: Datatype | None = None
    anything: bool = False


@functools.cache
def grammar() -> ElementRule:
    """Return the rule of the root element ``<image>``."""
    compiled = msgspec.json.decode(RULES.read_bytes(), type=list[CompiledRule])
    rules = [
        ElementRule(entry.name, {rule.name: rule for rule in entry.attributes}, {}, entry.text, entry.anything)
        for entry in compiled
    ]
    for rule, entry in zip(rules, compiled, strict=True):
        rule.children = {
            rules[place].name: ChildRule(rules[place], least, most) for place, least, most in entry.children
        }
    return rules[0]
