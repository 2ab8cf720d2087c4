# SPDX-License-Identifier: Apache-2.0
"""What a system says of itself in the file that os-release(5) describes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.disk.split import PartedTree

_PLACES = ("etc/os-release", "usr/lib/os-release")
_LINE = re.compile(r"^(ID|ID_LIKE)=(.*)$", re.MULTILINE)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def of_tree(tree: PartedTree) -> str:
    """Return the text of the file in ``tree``; empty where it has none."""
    for name in _PLACES:
        path = tree.path(name)
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="replace")
    return ""


def identities(text: str) -> tuple[str, ...]:
    """Return the system's own name, if it has one, and those of the systems it is like, the nearest first.

    They are in lower case, and each could be the name of a folder.
    """
    fields = {key: value.strip("'\" ") for key, value in _LINE.findall(text)}
    words = (fields.get("ID", ""), *fields.get("ID_LIKE", "").split())
    return tuple(dict.fromkeys(filter(_NAME.fullmatch, words)))
