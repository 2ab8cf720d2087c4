# SPDX-License-Identifier: Apache-2.0
"""Lift a description of any supported schema version to the newest, one small step after the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from runner.description.model.element import location_of
from runner.description.upgrade import steps1, steps4, steps5, steps6, steps7, steps8
from runner.description.upgrade.edit import Change
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element

__all__ = ["NEWEST", "OLDEST", "STEPS", "Change", "Upgrade", "upgrade"]

NEWEST = "8.5"

Step: TypeAlias = "Callable[[_Element], Iterator[Change]]"

STEPS: tuple[tuple[str, str, Step], ...] = (
    *steps1.STEPS,
    *steps4.STEPS,
    *steps5.STEPS,
    *steps6.STEPS,
    *steps7.STEPS,
    *steps8.STEPS,
)
"""(from, to, change) in order. A step edits the tree it is given, keeps the line of all it moves, and yields what
it changed; done twice it is done once."""

OLDEST = STEPS[0][0]

_NUMBERED = (6, 0)
"""From here on every version ever published is a step of its own; before, some had nothing to change."""

_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")


class Upgrade(msgspec.Struct, frozen=True):
    """What an upgrade found and did.

    Attributes:
        written: the schema version the document had.
        changes: everything changed, in the order of the steps; without the version itself.
    """

    written: str
    changes: tuple[Change, ...] = ()


def upgrade(root: _Element, *, default: str | None = None) -> Upgrade:
    """Bring ``root`` to schema version :data:`NEWEST` in place.

    Args:
        root: the ``<image>``; it and what it holds is changed.
        default: the version of a document that names none; None refuses it.

    Raises:
        DescriptionError: no version, or none of :data:`OLDEST` to :data:`NEWEST`.
    """
    written = (root.get("schemaversion") or default or "").strip()
    first = _first_step(root, written)
    changes = [
        msgspec.structs.replace(change, step=f"{source} → {target}")
        for source, target, step in STEPS[first:]
        for change in step(root)
    ]
    root.set("schemaversion", NEWEST)
    return Upgrade(written, tuple(changes))


def _first_step(root: _Element, written: str) -> int:
    """Return the index of the first step for a document of version ``written``."""
    if not _VERSION.fullmatch(written):
        raise DescriptionError(
            f"schemaversion {written!r} is not a version" if written else "<image> has no schemaversion",
            where=location_of(root),
            hint=f'say schemaversion="{NEWEST}"',
        )
    if written == NEWEST:
        return len(STEPS)
    sources = [_key(source) for source, _, _ in STEPS]
    version = _key(written)
    if version in sources:
        return sources.index(version)
    if version < sources[0] or version > _NUMBERED:
        raise _unknown(root, written)
    return max(index for index, source in enumerate(sources) if source < version)


def _unknown(root: _Element, written: str) -> DescriptionError:
    newer = _key(written) > _key(NEWEST)
    return DescriptionError(
        f"schema version {written} is {'newer than this engine' if newer else 'not supported'}",
        where=location_of(root),
        why=f"versions {OLDEST} to {NEWEST} are read",
        hint="upgrade Packhouse" if newer else "check the number: no such version was ever published",
    )


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
