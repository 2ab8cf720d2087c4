# SPDX-License-Identifier: Apache-2.0
"""Conditions of queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Collection


def among(column: sa.Column[str], names: Collection[str] | None) -> sa.ColumnElement[bool]:
    """Have ``column`` be one of ``names``, a few, as no database takes very many; or anything, for None."""
    return sa.true() if names is None else column.in_(names)
