# SPDX-License-Identifier: Apache-2.0
"""Ask QEMU's monitor (QMP) for a picture of the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from runner.errors import HostError

if TYPE_CHECKING:
    import socket
    from pathlib import Path

_SECONDS = 30.0
_LONGEST = 1 << 20


def screenshot(monitor: socket.socket, path: Path) -> None:
    """Write what the screen shows to ``path`` as PNG.

    Raises:
        HostError: this QEMU cannot (PNG came with 7.1), or the file cannot be written.
    """
    monitor.settimeout(_SECONDS)
    arguments = {"filename": str(path.absolute()), "format": "png"}
    try:
        with monitor.makefile("rwb") as wire:
            wire.readline(_LONGEST)  # its greeting
            _ask(wire, {"execute": "qmp_capabilities"})
            _ask(wire, {"execute": "screendump", "arguments": arguments})
    except (OSError, msgspec.DecodeError, _RefusedError) as error:
        raise HostError("no picture of the screen could be made", where=str(path), why=str(error)) from error


class _RefusedError(Exception):
    """QEMU's own words about why it did not."""


def _ask(wire: Any, command: dict[str, object]) -> None:
    wire.write(msgspec.json.encode(command))
    wire.flush()
    while True:  # events come between
        answer = msgspec.json.decode(wire.readline(_LONGEST), type=dict[str, Any])
        if "error" in answer:
            raise _RefusedError(answer["error"].get("desc", "refused"))
        if "return" in answer:
            return
