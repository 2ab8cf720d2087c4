# SPDX-License-Identifier: Apache-2.0
"""Probe everything a build needs of this machine, and know the command that mends what is missing."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from runner.doctor import machine
from runner.doctor.check import Check, Host, manager_of
from runner.doctor.tools import ID_MAPPERS, TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.packages.mirrors import Mirrors

__all__ = ["Check", "probe_all"]

_THREADS = 8


def probe_all(store: Path, mirrors: Mirrors) -> list[Check]:
    """Return the answers of all probes, always in the same order. Takes about a second, 20 at most."""
    host = Host(manager_of(), is_root=os.geteuid() == 0)
    tools = TOOLS if host.is_root else (*TOOLS, *ID_MAPPERS)
    probes: list[Callable[[], Check]] = [
        partial(machine.mirror, mirrors),  # the slowest begins first
        partial(machine.sandbox, host),
        partial(machine.overlay, host, store),
        partial(machine.namespaces, host),
        partial(machine.owners, host),
        partial(machine.space, store),
        partial(machine.python, host),
        partial(machine.keyrings, host),
        *(partial(tool.probe, host) for tool in tools),
    ]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda probe: probe(), probes))
