# SPDX-License-Identifier: Apache-2.0
"""The branches that refreshed locks are pushed to: their names, and that nothing is built of them."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.service.config.model import Repository

_DIGITS = 8


def branch_for(prefix: str, subdir: str) -> str:
    """Return the branch for the lock in ``subdir``: ``prefix`` for the top's, else with the folder's name.

    What git or a forge might not take in a name becomes a hyphen; then a digest keeps folders apart.
    """
    if subdir == ".":
        return prefix
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", subdir)
    digest = hashlib.sha256(subdir.encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]
    return f"{prefix}-{plain}" if plain == subdir else f"{prefix}-{plain[:100].strip('-')}-{digest}"


def is_own(repository: Repository, branch: str) -> bool:
    """Tell whether ``branch`` is one that a schedule of ``repository`` pushes to."""
    prefixes = (schedule.pull_request.branch for schedule in repository.schedules if schedule.pull_request)
    return any(branch == prefix or branch.startswith(f"{prefix}-") for prefix in prefixes)
