# SPDX-License-Identifier: Apache-2.0
"""The Tree: a finished root tree with real ownership, modes and extended attributes."""

from __future__ import annotations

from pathlib import Path

import msgspec

KIWI_LEFTOVERS = ("image", ".kconfig", ".profile", ".buildenv")
"""Top-level names that belong to the build, not to the image: KIWI keeps them in the tree until create."""


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """A normalised root tree.

    Attributes:
        root: folder of the tree on this machine, readable only inside the build's namespace when not root.
        key: chain of step keys that identifies its content.
        epoch: every time stamp in it is at or before this (seconds since 1970).
    """

    root: Path
    key: str
    epoch: int
