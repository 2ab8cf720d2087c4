# SPDX-License-Identifier: Apache-2.0
"""A Finding: one thing wrong or doubtful in a description, where, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from collections.abc import Sequence

Severity = Literal["error", "warning", "note"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """``id`` names the rule and is stable; an ``error`` stops a build, a ``warning`` and a ``note`` do not."""

    id: str
    severity: Severity
    message: str
    where: Location | None = None
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.remedy})" if self.remedy else text


def by_line(finding: Finding) -> tuple[str, int]:
    """Sort key: the order of the files' lines."""
    return (str(finding.where.file), finding.where.line or 0) if finding.where else ("", 0)


class InvalidDescriptionError(DescriptionError):
    """A description with at least one error; ``findings`` holds all of them, in the order of the file."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        first, count = findings[0], len(findings)
        super().__init__(
            first.message if count == 1 else f"the description has {count} errors",
            where=first.where if count == 1 else (str(first.where.file) if first.where else None),
            why=None if count == 1 else "\n    ".join(["", *(str(finding) for finding in findings)]),
            hint=(first.remedy or None) if count == 1 else None,
        )
        self.findings = tuple(findings)
