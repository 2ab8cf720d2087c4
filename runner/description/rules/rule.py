# SPDX-License-Identifier: Apache-2.0
"""What a rule is: an id, a severity, a remedy, and a function that yields what it found and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.description.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.description.finding import Severity
    from runner.description.model.description import Description
    from runner.description.model.types import ImageType
    from runner.errors import Location
    from runner.plan.select import Selection

    Found = Iterator[tuple[str, Location]]


class Subject(NamedTuple):
    """A description and every selection of it that can be made: the default profiles, then each by itself."""

    description: Description
    selections: tuple[Selection, ...]

    @property
    def types(self) -> Iterator[ImageType]:
        """All types, whether a selection reaches them or not."""
        return (entry for block in self.description.preferences for entry in block.types)


class Rule(NamedTuple):
    """A named check. ``look`` yields a message and its place for each thing it finds; its docstring says why."""

    id: str
    severity: Severity
    remedy: str
    look: Callable[[Subject], Found]

    @property
    def summary(self) -> str:
        """Why the rule is there, in one sentence."""
        return (self.look.__doc__ or "").strip()

    def run(self, subject: Subject) -> list[Finding]:
        """Return the findings, each once, however many selections show it."""
        return [
            Finding(id=self.id, severity=self.severity, message=message, where=where, remedy=self.remedy)
            for message, where in dict.fromkeys(self.look(subject))
        ]
