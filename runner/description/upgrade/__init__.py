# SPDX-License-Identifier: Apache-2.0
"""Lift a description of any supported schema version to the newest, one small step after the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.description.model.element import location_of
from runner.description.upgrade import steps6, steps7, steps8
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element

    Step = Callable[[_Element], None]

NEWEST = "8.5"

STEPS: tuple[tuple[str, str, Step], ...] = (*steps6.STEPS, *steps7.STEPS, *steps8.STEPS)
"""(from, to, change) in order. A step edits the tree it is given and keeps the line of all it moves."""

OLDEST = STEPS[0][0]

_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")


def upgrade(root: _Element) -> str:
    """Bring ``root`` to schema version :data:`NEWEST` in place, and return the version it had.

    Raises:
        DescriptionError: no version, or none of :data:`OLDEST` to :data:`NEWEST`.
    """
    written = (root.get("schemaversion") or "").strip()
    if not _VERSION.fullmatch(written):
        raise DescriptionError(
            f"schemaversion {written!r} is not a version" if written else "<image> has no schemaversion",
            where=location_of(root),
            hint=f'say schemaversion="{NEWEST}"',
        )
    known = [source for source, _, _ in STEPS]
    if written != NEWEST and written not in known:
        raise _unknown(root, written)
    if written != NEWEST:
        for _, _, change in STEPS[known.index(written) :]:
            change(root)
        root.set("schemaversion", NEWEST)
    return written


def _unknown(root: _Element, written: str) -> DescriptionError:
    newer = _key(written) > _key(NEWEST)
    return DescriptionError(
        f"schema version {written} is {'newer than this engine' if newer else 'not supported'}",
        where=location_of(root),
        why=f"versions {OLDEST} to {NEWEST} are read",
        hint="upgrade Packhouse" if newer else f"bring the description to schema version {OLDEST} or later first",
    )


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
