# SPDX-License-Identifier: Apache-2.0
"""Bring a throw-away tree down to what belongs into a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.exclude import leave_out
from runner.create.strip import CONTAINERS, strip_for_image

if TYPE_CHECKING:
    from pathlib import Path

    from runner.plan.model import TypePlan


def reduce_tree(root: Path, plan: TypePlan) -> None:
    """Delete in place what the description leaves out, and then what no result has.

    Raises:
        DescriptionError: the description's list is wrong; see :mod:`runner.create.exclude`.
    """
    if plan.image not in CONTAINERS:
        leave_out(root)
    strip_for_image(root, plan)
