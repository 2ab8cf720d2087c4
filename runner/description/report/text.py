# SPDX-License-Identifier: Apache-2.0
"""Findings as compilers print them: ``file:line: severity[rule]: message``, as editors read them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.description.finding import Finding


def text(findings: Sequence[Finding], place: str = "") -> str:
    """Return a line for each finding, what to do below it, and how many there are.

    ``place`` is the folder of the description; it stands before the names of its files.
    """
    lines = [line for finding in findings for line in _lines(finding, place)]
    return "\n".join([*lines, _summary(findings)])


def _lines(finding: Finding, place: str) -> Iterable[str]:
    yield f"{position(finding, place)}: {finding.severity}[{finding.id}]: {finding.message}"
    if finding.remedy:
        yield f"  to fix: {finding.remedy}"


def position(finding: Finding, place: str) -> str:
    """Return file and line, with the folder ``place`` before it."""
    if finding.where is None:
        return place or "description"
    line = "" if finding.where.line is None else f":{finding.where.line}"
    return f"{path(finding, place)}{line}"


def path(finding: Finding, place: str) -> str:
    """Return the file of the finding, with the folder ``place`` before it."""
    file = str(finding.where.file) if finding.where else "."
    return f"{place}/{file}" if place not in {"", "."} else file


def _summary(findings: Sequence[Finding]) -> str:
    if not findings:
        return "the description is valid"
    counts = Counter[str](finding.severity for finding in findings)
    names = ("error", "warning", "note")
    return ", ".join(f"{counts[name]} {name}{'s' * (counts[name] > 1)}" for name in names if counts[name])
