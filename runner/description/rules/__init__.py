# SPDX-License-Identifier: Apache-2.0
"""Semantic checks: named rules over a loaded description. A new rule is a function and a line in its module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.finding import InvalidDescriptionError, by_line
from runner.description.rules import (
    boot,
    containers,
    for_types,
    layout,
    media,
    packages,
    protection,
    scripts,
    selection,
    sources,
    storage,
    users,
)
from runner.description.rules.rule import Subject
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.description.finding import Finding
    from runner.description.model.description import Description
    from runner.description.rules.rule import Rule
    from runner.plan.select import Selection

DOMAINS = (
    selection,
    for_types,
    sources,
    packages,
    users,
    boot,
    storage,
    layout,
    protection,
    containers,
    media,
    scripts,
)
"""The modules of rules, in the order of the documentation."""

RULES: tuple[Rule, ...] = tuple(rule for domain in DOMAINS for rule in domain.RULES)


def check(description: Description, *, arch: str | None = None) -> list[Finding]:
    """Return what is wrong or doubtful in a loaded description for machine ``arch`` (None: this one), by line."""
    return _findings(description, _selections(description, arch))


def refuse_errors(description: Description, chosen: Selection) -> None:
    """Stop where a rule finds an error that counts for what was ``chosen``.

    Raises:
        InvalidDescriptionError: holds all of them.
    """
    errors = [
        finding for finding in _findings(_only(description, chosen), [chosen]) if finding.severity == "error"
    ]
    if errors:
        raise InvalidDescriptionError(errors)


def _only(description: Description, chosen: Selection) -> Description:
    """Return the description without what does not count: a mistake in another image stops nothing."""
    from msgspec.structs import replace

    return replace(
        description,
        preferences=tuple(
            replace(block, types=tuple(entry for entry in block.types if entry is chosen.image_type))
            for block in chosen.preferences
        ),
        repositories=chosen.repositories,
        packages=chosen.packages,
        users=chosen.users,
    )


def _findings(description: Description, selections: Iterable[Selection]) -> list[Finding]:
    subject = Subject(description, tuple(selections))
    return sorted((finding for rule in RULES for finding in rule.run(subject)), key=by_line)


def _selections(description: Description, arch: str | None) -> list[Selection]:
    """Return a selection for every type that profiles, chosen one by one, can give."""
    from msgspec.structs import replace

    from runner.plan.select import available_types, select

    found = []
    for names in ((), *((profile.name,) for profile in description.profiles)):
        try:
            first = select(description, profiles=names, arch=arch)
        except DescriptionError:
            continue  # a profile for another machine, or one that only adds to others
        found += [replace(first, image_type=entry) for entry in available_types(first.preferences)]
    return found
