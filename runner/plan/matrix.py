# SPDX-License-Identifier: Apache-2.0
"""Everything that can be built of one description: each choice of profiles with each type, planned."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import msgspec

from runner.errors import PackhouseError
from runner.plan.make import make_plan, of_profiles, profile_choices
from runner.plan.overrides import NOTHING
from runner.plan.select import OLD_TYPES, select

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.description.model.description import Description
    from runner.plan.make import Combination
    from runner.plan.model import Plan
    from runner.plan.overrides import Overrides


class MatrixEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One image. All values are plain, as a CI matrix wants them.

    Attributes:
        id: short name, different for each entry.
        arguments: what to give to ``packhouse build`` beside the source, quoted for a shell.
        profiles: profiles to name; none means those the description selects by itself.
        selected: profiles that are then on, with what they require.
        type: what to give to ``--type``: the image type, numbered (``oem:2``) when not the first of its name.
        index: counts from 1 among the types of one name.
        arch: as in result file names.
        result: first part of every result file name.
        supported: this engine builds it; otherwise ``why`` tells element by element what is missing.
    """

    id: str
    arguments: str
    name: str
    version: str
    arch: str
    profiles: tuple[str, ...]
    selected: tuple[str, ...]
    type: str
    index: int
    result: str
    supported: bool
    why: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A choice that gives no plan. ``type`` is empty where the profiles alone already give none."""

    profiles: tuple[str, ...]
    type: str
    why: str
    where: str


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    include: tuple[MatrixEntry, ...]
    refused: tuple[Refused, ...]


def make_matrix(
    description: Description,
    *,
    profiles: Sequence[str] = (),
    type_name: str | None = None,
    arch: str | None = None,
    overrides: Overrides = NOTHING,
) -> Matrix:
    """Plan every combination: the default profiles, then each profile by itself, with each type that then counts.

    With ``profiles`` only these, all together; with ``type_name`` only that type. Two choices that select the same
    profiles are one. Nothing is raised for a description that was loaded: what gives no plan is in ``refused``.
    """
    include: list[MatrixEntry] = []
    refused: list[Refused] = []
    seen: set[tuple[frozenset[str], str]] = set()
    for names in (tuple(profiles),) if profiles else profile_choices(description):
        try:
            chosen = select(description, profiles=names, arch=arch)
        except PackhouseError as error:
            refused.append(_refused(names, "", error))
            continue
        for entry in _wanted(of_profiles(chosen, names), type_name):
            key = (frozenset(chosen.profiles), entry.type_name)
            if key in seen:
                continue
            seen.add(key)
            try:
                plan = make_plan(
                    description, profiles=names, type_name=entry.type_name, arch=arch, overrides=overrides
                )
            except PackhouseError as error:
                refused.append(_refused(names, entry.type_name, error))
            else:
                include.append(_entry(entry, plan, arch))
    return Matrix(include=tuple(include), refused=tuple(refused))


def _wanted(entries: Iterable[Combination], type_name: str | None) -> Iterator[Combination]:
    wanted = {type_name, OLD_TYPES.get(type_name or "")}
    return (
        entry
        for entry in entries
        if type_name is None or wanted & {entry.type_name, entry.type_name.partition(":")[0]}
    )


def _entry(entry: Combination, plan: Plan, arch: str | None) -> MatrixEntry:
    arguments = [word for name in entry.profiles for word in ("--profile", name)]
    arguments += ["--type", entry.type_name]
    if arch is not None:
        arguments += ["--target-arch", arch]
    return MatrixEntry(
        id="-".join((*entry.profiles, *entry.type_name.split(":"))),
        arguments=shlex.join(arguments),
        name=plan.image.name,
        version=plan.image.version,
        arch=plan.arch,
        profiles=entry.profiles,
        selected=plan.profiles,
        type=entry.type_name,
        index=entry.index,
        result=plan.stem,
        supported=not plan.unsupported,
        why=tuple(f"{item.element} ({item.where}): {item.why}" for item in plan.unsupported),
    )


def _refused(names: tuple[str, ...], type_name: str, error: PackhouseError) -> Refused:
    why = f"{error.what}: {error.why}" if error.why else error.what
    return Refused(profiles=names, type=type_name, why=why, where=str(error.where or ""))
