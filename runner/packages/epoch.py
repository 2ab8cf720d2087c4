# SPDX-License-Identifier: Apache-2.0
"""The one time of a build: SOURCE_DATE_EPOCH (reproducible-builds.org/specs/source-date-epoch)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VARIABLE = "SOURCE_DATE_EPOCH"
_SECONDS = re.compile(r"[0-9]{1,11}")
"""ASCII digits, up to the year 5138: what every tool down the line can hold."""


def epoch(commit_time: int | None, built: Iterable[int], env: Mapping[str, str]) -> int:
    """Return the newest of commit and package build times, all in seconds since 1970; the caller's variable wins.

    Raises:
        UsageError: the variable is set to something else than seconds.
    """
    given = env.get(VARIABLE, "")
    if not given:
        return max([commit_time or 0, *built])
    if not _SECONDS.fullmatch(given):
        raise UsageError(f"{VARIABLE}={given!r} is no number of seconds since 1970", hint=f"unset {VARIABLE}")
    return int(given)
