# SPDX-License-Identifier: Apache-2.0
"""Stack read-only layers under a writable one: overlayfs, or a plain copy where the kernel refuses it.

Mounts are made in the engine's own mount namespace and vanish with it.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.copy_tree import copy_tree
from runner.engine import links
from runner.sandbox.identity import in_user_namespace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_MNT_DETACH = 2


@dataclass(frozen=True, slots=True)
class Stack:
    """A writable view of stacked layers.

    Attributes:
        merged: the tree to work in.
        upper: what was changed, as an overlayfs upper folder; None when the layers were copied.
    """

    merged: Path
    upper: Path | None

    def join_links(self) -> None:
        """Make writing safe for files with several names; see :mod:`runner.engine.links`. Before any change."""
        if self.upper is not None:
            links.join(self.merged)

    def close(self) -> None:
        """Unmount. The upper folder stays."""
        if self.upper is not None:
            _LIBC.umount2(os.fsencode(self.merged), _MNT_DETACH)


def stack(layers: Sequence[Path], work: Path) -> Stack:
    """Show ``layers`` (lowest first) as one writable tree below ``work``."""
    merged, upper, scratch = work / "merged", work / "upper", work / "work"
    for folder in (merged, upper, scratch):
        folder.mkdir(parents=True)
    # The root folder's own owner and mode come from the top-most layer, here the empty upper.
    shutil.copystat(layers[-1], upper)
    os.chown(upper, layers[-1].stat().st_uid, layers[-1].stat().st_gid)
    if _mount_overlay(layers, upper, scratch, merged):
        return Stack(merged, upper)
    shutil.rmtree(merged)
    for layer in layers:
        copy_tree(layer, merged)
    return Stack(merged, None)


def _mount_overlay(layers: Sequence[Path], upper: Path, scratch: Path, merged: Path) -> bool:
    lower = ":".join(_escape(layer) for layer in reversed(layers))
    options = f"lowerdir={lower},upperdir={_escape(upper)},workdir={_escape(scratch)}"
    if in_user_namespace():
        options += ",userxattr"  # trusted.* attributes are the initial namespace's alone (kernel 5.11)
    else:
        # An upper folder must mean the same in every later mount, so nothing that refers to this one.
        options += ",index=off,metacopy=off,redirect_dir=off"
    return _mount("overlay", merged, "overlay", options)


def _escape(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def _mount(source: str, target: Path, kind: str, options: str) -> bool:
    result: int = _LIBC.mount(source.encode(), os.fsencode(target), kind.encode(), 0, options.encode())
    return result == 0
