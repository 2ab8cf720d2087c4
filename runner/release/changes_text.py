# SPDX-License-Identifier: Apache-2.0
"""A list of changes as people read it, in a terminal, a mail or a proposed change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.byte_size import rough_size, signed_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.packages.compare import PackageChange
    from runner.release.changes import Changes


def headline(changes: Changes) -> str:
    """Return one line with the numbers."""
    previous = changes.previous
    release = f"release {previous.number} ({previous.version})" if previous.number else f"{previous.version}"
    kinds = (("updated", changes.updated), ("added", changes.added), ("removed", changes.removed))
    packages = ", ".join(f"{count} {kind}" for kind, count in kinds if count)
    return f"Since {release}: packages {packages or 'the same'}; size {_delta(changes.size_delta)}"


def package_lines(packages: Sequence[PackageChange], most: int | None = None) -> list[str]:
    """Return a line for each package, ``~`` for another version, ``+`` for a new and ``-`` for a lost one.

    Of more than ``most`` only so many, and how many more there are.
    """
    shown = packages[:most]
    names = [f"{change.name} ({change.arch})" for change in shown]
    width = max(map(len, names), default=0)
    lines = [
        f"{_mark(change)} {name:<{width}}  {' → '.join(filter(None, (change.before, change.after)))}"
        for name, change in zip(names, shown, strict=True)
    ]
    left = len(packages) - len(shown)
    return [*lines, f"  and {left} more"] if left else lines


def changes_text(changes: Changes) -> str:
    """Return everything that is different."""
    files = [file for file in changes.files if file.by]
    width = max((len(file.name) for file in files), default=0)
    lines = [
        f"  {file.name:<{width}}  {rough_size(file.before)} → {rough_size(file.after)} ({signed_size(file.by)})"
        for file in files
    ]
    return "\n".join([headline(changes), *(f"  {line}" for line in package_lines(changes.packages)), *lines])


def _mark(change: PackageChange) -> str:
    if not change.before:
        return "+"
    return "~" if change.after else "-"


def _delta(size: int) -> str:
    return signed_size(size) if size else "the same"
