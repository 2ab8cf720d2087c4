# SPDX-License-Identifier: Apache-2.0
"""What a configuration that was read anew changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.service.config.model import ServiceConfig

_AT_START = ("state", "database", "database_secret", "listen", "worker", "watch")
"""Keys that are looked at when the runner starts and never again."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of repositories in order, and the keys whose change waits for a restart."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


def changed(old: ServiceConfig, new: ServiceConfig) -> Changes:
    """Tell what becomes of the repositories when ``new`` takes the place of ``old``."""
    before, after = old.repositories, new.repositories
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(name for name in before.keys() & after.keys() if before[name] != after[name])),
        restart=tuple(key for key in _AT_START if getattr(old, key) != getattr(new, key)),
    )
