# SPDX-License-Identifier: Apache-2.0
"""Semantic checks: named rules over a loaded description. A new rule is a function and a line in its module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.finding import by_line
from runner.description.rules import for_types, selection, sources
from runner.description.rules.rule import Subject
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from runner.description.finding import Finding
    from runner.description.model.description import Description
    from runner.plan.select import Selection

RULES = (*selection.RULES, *sources.RULES, *for_types.RULES)


def check(description: Description, *, arch: str | None = None) -> list[Finding]:
    """Return what is wrong or doubtful in a loaded description for machine ``arch`` (None: this one), by line."""
    subject = Subject(description, tuple(_selections(description, arch)))
    return sorted((finding for rule in RULES for finding in rule.run(subject)), key=by_line)


def _selections(description: Description, arch: str | None) -> list[Selection]:
    from runner.plan.select import select

    found = []
    for names in ((), *((profile.name,) for profile in description.profiles)):
        try:
            found.append(select(description, profiles=names, arch=arch))
        except DescriptionError:
            continue  # a profile for another machine, or one that only adds to others
    return found
