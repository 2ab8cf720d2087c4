# SPDX-License-Identifier: Apache-2.0
"""Choose: which profiles are on, which sections count, which type is built, and for which machine."""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import msgspec

from runner.description.model.description import Description
from runner.description.model.element import Section
from runner.description.model.packages import PackageSection
from runner.description.model.preferences import Preferences
from runner.description.model.repositories import Repository
from runner.description.model.types import ImageType
from runner.description.model.users import UserSection
from runner.errors import DescriptionError
from runner.plan.preferences import Merged, merge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.description.model.profiles import Profile

S = TypeVar("S", bound=Section)

OLD_TYPES = {"vmx": "oem"}
"""Type names of old that the schema upgrade renames; still good on a command line."""

DEBIAN_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "armhf": "armv7l", "ppc64el": "ppc64le"}
"""Names that Debian has for machines and the kernel never says: understood where the caller names the machine.

In a description ``arch`` is compared to the letter, as KIWI does, so that the same sections count: an entry for
``amd64`` counts nowhere, and one for ``ix86`` only when the caller asks for ``ix86``.
"""

_COUNTED = re.compile(r"(?P<image>[^:]+):(?P<index>[1-9][0-9]*)")


def file_arch(arch: str) -> str:
    """Return the machine as result file names have it: KIWI calls all 32-bit x86 ``ix86``."""
    return "ix86" if arch in {"i386", "i486", "i586", "i686"} else arch


def select_profiles(description: Description, names: Sequence[str], arch: str) -> tuple[str, ...]:
    """Return the selected profiles and what they require, each once, a profile before its requirements.

    Without ``names`` those marked ``import`` are selected, unless made for another machine.

    Raises:
        DescriptionError: a profile is unknown, or made for another machine than ``arch``.
    """
    known = {profile.name: profile for profile in description.profiles}
    wanted = names or [p.name for p in description.profiles if p.default and _fits(p, arch)]
    selected: dict[str, None] = {}
    for name in wanted:
        _add(name, known, arch, selected, description)
    return tuple(selected)


def _add(
    name: str, known: dict[str, Profile], arch: str, selected: dict[str, None], description: Description
) -> None:
    """Walk depth-first with a stack of our own: a chain of requirements may be longer than Python's."""
    stack = [(name, description.at)]
    while stack:
        current, asked_at = stack.pop()
        if current in selected:
            continue
        profile = known.get(current)
        if profile is None:
            raise DescriptionError(
                f"there is no profile {current!r}",
                where=asked_at,
                hint=f"known profiles: {', '.join(known) or 'none'}",
            )
        if not _fits(profile, arch):
            raise DescriptionError(
                f"profile {current!r} is not for {arch}",
                where=profile.at,
                why=f"it is for {', '.join(profile.arch)}",
            )
        selected[current] = None
        required = [entry for entry in profile.requires if not entry.arch or arch in entry.arch]
        stack.extend((entry.profile, entry.at) for entry in reversed(required))


def _fits(profile: Profile, arch: str) -> bool:
    return not profile.arch or arch in profile.arch


def matching_preferences(description: Description, profiles: Sequence[str], arch: str) -> tuple[Preferences, ...]:
    return _applying(description.preferences, profiles, arch)


def available_types(blocks: Sequence[Preferences]) -> tuple[ImageType, ...]:
    """Return the types of all blocks, in document order."""
    return tuple(entry for block in blocks for entry in block.types)


def select_type(description: Description, types: Sequence[ImageType], name: str | None) -> ImageType:
    """Return the type called ``name``; without a name the primary one, else the first.

    Where a type occurs several times, ``name`` is its first, ``name:2`` its second.

    Raises:
        DescriptionError: there is no such type for the selected profiles.
    """
    if name is None:
        if types:
            return next((entry for entry in types if entry.primary), types[0])
    else:
        counted = _COUNTED.fullmatch(name)
        image, index = (counted["image"], int(counted["index"])) if counted else (name, 1)
        for candidate in (image, OLD_TYPES.get(image)):
            same = [entry for entry in types if entry.image == candidate]
            if len(same) >= index:
                return same[index - 1]
    known = ", ".join(selectors(types))
    elsewhere = {entry.image for block in description.preferences for entry in block.types}
    raise DescriptionError(
        f"there is no type {name!r} for the selected profiles" if name else "there is no type to build",
        where=description.at,
        why="the types of this description belong to other profiles or machines"
        if elsewhere and not known
        else None,
        hint=f"types that can be built: {known}" if known else _profiles_hint(description),
    )


def selectors(types: Sequence[ImageType]) -> tuple[str, ...]:
    """Return for each of ``types`` the name by which :func:`select_type` finds it."""
    seen: Counter[str] = Counter()
    names = []
    for entry in types:
        seen[entry.image] += 1
        names.append(entry.image if seen[entry.image] == 1 else f"{entry.image}:{seen[entry.image]}")
    return tuple(names)


def _profiles_hint(description: Description) -> str:
    if not description.profiles:
        return "add a <type> to <preferences>"
    return "choose a profile: " + ", ".join(profile.name for profile in description.profiles)


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """What counts of a description, for one choice of profiles, type and machine."""

    description: Description
    profiles: tuple[str, ...]
    machine: str
    image_type: ImageType
    preferences: tuple[Preferences, ...]
    merged: Merged
    repositories: tuple[Repository, ...]
    packages: tuple[PackageSection, ...]
    users: tuple[UserSection, ...]


def select(
    description: Description,
    *,
    profiles: Sequence[str] = (),
    type_name: str | None = None,
    arch: str | None = None,
) -> Selection:
    """Select by ``profiles`` (none: the defaults), ``type_name`` (None: the primary) and ``arch`` (None: here).

    The machine is named as ``uname -m`` says it; Debian's names are understood.

    Raises:
        DescriptionError: unknown profile or type, or nothing to build.
    """
    machine = DEBIAN_MACHINES.get(arch, arch) if arch else os.uname().machine
    chosen = select_profiles(description, profiles, machine)
    blocks = matching_preferences(description, chosen, machine)
    return Selection(
        description=description,
        profiles=chosen,
        machine=machine,
        image_type=select_type(description, available_types(blocks), type_name),
        preferences=blocks,
        merged=merge(blocks),
        repositories=_applying(description.repositories, chosen, machine),
        packages=_applying(description.packages, chosen, machine),
        users=_applying(description.users, chosen, machine),
    )


def _applying(sections: Sequence[S], profiles: Sequence[str], machine: str) -> tuple[S, ...]:
    return tuple(section for section in sections if section.applies(profiles, machine))
