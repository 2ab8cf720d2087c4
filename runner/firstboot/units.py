# SPDX-License-Identifier: Apache-2.0
"""Put units of our own into a tree, enabled for good: as static parts of the system, not as an administrator's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

UNITS = "usr/lib/systemd/system"


def install_unit(root: Path, name: str, text: str, *, wanted_by: str) -> None:
    """Write the unit ``name`` and have the target or unit ``wanted_by`` start it."""
    write(root / UNITS / name, text)
    wanted = root / UNITS / f"{wanted_by}.wants"
    wanted.mkdir(exist_ok=True)
    link = wanted / name
    link.unlink(missing_ok=True)
    link.symlink_to(f"../{name}")


def write(path: Path, text: str) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
