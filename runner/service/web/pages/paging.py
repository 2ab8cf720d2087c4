# SPDX-License-Identifier: Apache-2.0
"""Long lists in pages, so that none takes longer, or is longer, the more a runner knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_Row = TypeVar("_Row")

ON_A_PAGE = 50
ASKED = ON_A_PAGE + 1
"""Rows to ask for: one more than is shown tells that there is a next page."""


@dataclass(frozen=True, slots=True)
class Page(Generic[_Row]):
    """The ``rows`` of a page.

    Attributes:
        previous: how many rows are skipped on the page before, None on the first one.
        following: the same of the next page, None on the last one.
    """

    rows: Sequence[_Row]
    previous: int | None
    following: int | None

    @property
    def is_all(self) -> bool:
        return self.previous is None and self.following is None


def page_of(found: Sequence[_Row], skip: int) -> Page[_Row]:
    """Return the page of ``found``, which are :data:`ASKED` rows at most, after ``skip`` others."""
    previous = max(0, skip - ON_A_PAGE) if skip else None
    return Page(found[:ON_A_PAGE], previous, skip + ON_A_PAGE if len(found) > ON_A_PAGE else None)
