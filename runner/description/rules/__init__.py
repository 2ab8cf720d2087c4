# SPDX-License-Identifier: Apache-2.0
"""Semantic checks: named rules over a loaded description."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.description.finding import Finding
    from runner.description.model.description import Description


def check(description: Description) -> list[Finding]:
    """Return what is wrong or doubtful in a loaded description, in the order of its lines."""
    return []
