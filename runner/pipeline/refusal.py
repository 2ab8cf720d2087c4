# SPDX-License-Identifier: Apache-2.0
"""Refuse what cannot be built, before any work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from runner.plan.model import Plan


def refuse_unsupported(plan: Plan) -> None:
    """Stop before anything is downloaded when the plan asks for what this engine cannot build.

    Raises:
        DescriptionError: names the first such element and its place, and lists the others.
    """
    if not plan.unsupported:
        return
    first, *others = plan.unsupported
    also = "".join(f"\n           also: {item.element} ({item.where}): {item.why}" for item in others)
    raise DescriptionError(
        f"{first.element} cannot be built yet",
        where=Location(first.where) if first.where else None,
        why=first.why + also,
        hint="choose another type or profile; packhouse plan shows the whole plan",
    )
