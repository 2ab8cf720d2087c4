# SPDX-License-Identifier: Apache-2.0
"""Put units of our own into a tree, enabled for good: as static parts of the system, not as an administrator's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.prepare.paths import TreePaths

UNITS = "usr/lib/systemd/system"


def install_unit(paths: TreePaths, name: str, text: str, *, wanted_by: str) -> None:
    """Write the unit ``name`` and have the target or unit ``wanted_by`` start it."""
    paths.write(f"{UNITS}/{name}", text.encode())
    paths.link(f"{UNITS}/{wanted_by}.wants/{name}", f"../{name}")
