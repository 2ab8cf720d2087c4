# SPDX-License-Identifier: Apache-2.0
"""What is different between two locks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.packages.lock import LockedPackage


@dataclass(frozen=True, slots=True, order=True)
class PackageChange:
    """A package in another version; ``before`` is empty for a new one, ``after`` for one that is gone."""

    name: str
    arch: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.name} ({self.arch}): {self.before or 'not there'} → {self.after or 'gone'}"


def compare(before: Iterable[LockedPackage], after: Iterable[LockedPackage]) -> tuple[PackageChange, ...]:
    """Return what changed from ``before`` to ``after``, by name."""
    old = {(item.name, item.arch): item.version for item in before}
    new = {(item.name, item.arch): item.version for item in after}
    return tuple(
        PackageChange(name, arch, old.get((name, arch), ""), new.get((name, arch), ""))
        for name, arch in sorted(old.keys() | new.keys())
        if old.get((name, arch)) != new.get((name, arch))
    )
