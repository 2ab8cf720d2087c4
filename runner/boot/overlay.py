# SPDX-License-Identifier: Apache-2.0
"""Put a writable layer over a disk image, so that a boot changes nothing in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from runner.errors import BuildError, UsageError
from runner.process import run

if TYPE_CHECKING:
    from pathlib import Path

_RESULT_KEYS = ("disk_format_image", "disk_image")
_RESULT = "kiwi.result.json"


class DiskInfo(msgspec.Struct, frozen=True, rename="kebab"):
    """What ``qemu-img info`` says; ``virtual_size`` in bytes."""

    format: str
    virtual_size: int
    backing_filename: str = ""


def find_disk(path: Path) -> Path:
    """Return ``path``, or the disk image among the results in the folder ``path``.

    Raises:
        UsageError: there is none.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise UsageError(f"there is no disk image {path}")
    try:
        listed = json.loads((path / _RESULT).read_text(encoding="utf-8"))
        names: list[str] = [str(listed[key]["filename"]) for key in _RESULT_KEYS if key in listed]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{path} has no results", why=f"its {_RESULT} cannot be read", hint="name a file"
        ) from error
    found = [path / name for name in names if "/" not in name and (path / name).is_file()]
    if not found:
        raise UsageError(f"the results in {path} have no disk", hint="name a file")
    return found[0]


def disk_info(disk: Path) -> DiskInfo:
    """Ask qemu-img about ``disk``.

    Raises:
        UsageError: it is no image, or one that is nothing without other files.
        HostError: qemu-img is not installed.
    """
    try:
        done = run(("qemu-img", "info", "--output=json", disk.absolute()), what="qemu-img info")
        info = msgspec.json.decode(done.stdout, type=DiskInfo)
    except (BuildError, msgspec.DecodeError) as error:
        raise UsageError(f"{disk} is no disk image", why=str(error)) from error
    if info.backing_filename:
        raise UsageError(
            f"{disk} lies over another file",
            why=info.backing_filename,
            hint="make one file of both",
        )
    return info


def make_overlay(disk: Path, overlay: Path, *, grow_to: int | None = None) -> None:
    """Make ``overlay`` over ``disk``, which is then ``grow_to`` bytes large as far as its machine sees.

    Raises:
        UsageError: ``disk`` is no image, or larger than ``grow_to``.
    """
    info = disk_info(disk)
    if grow_to is not None and grow_to < info.virtual_size:
        raise UsageError(
            f"the disk cannot be {grow_to} bytes", why=f"the image {disk.name} has {info.virtual_size} already"
        )
    backing = ("-b", disk.absolute(), "-F", info.format)
    size = () if grow_to is None else (str(grow_to),)
    run(("qemu-img", "create", "-q", "-f", "qcow2", *backing, overlay, *size), what="qemu-img create")
