# SPDX-License-Identifier: Apache-2.0
"""Resolve: a description, profiles, a type and a machine become one plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.errors import DescriptionError
from runner.plan.environment import environment
from runner.plan.model import DescriptionRef, ImageIdentity, PackageRequest, Plan
from runner.plan.packages import gather
from runner.plan.preferences import settings
from runner.plan.repositories import plan_repositories
from runner.plan.select import available_types, file_arch, select
from runner.plan.support import unsupported
from runner.plan.types import plan_type
from runner.plan.users import plan_users

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.description.model.description import Description
    from runner.plan.packages import Wanted
    from runner.plan.select import Selection


class Combination(msgspec.Struct, frozen=True, kw_only=True):
    """Arguments of :func:`make_plan` that give a plan: profiles to name (none: the defaults) and a type."""

    profiles: tuple[str, ...]
    type_name: str


def make_plan(
    description: Description,
    *,
    profiles: Sequence[str] = (),
    type_name: str | None = None,
    arch: str | None = None,
    allow_unsigned: bool = False,
    add_packages: Sequence[str] = (),
    delete_packages: Sequence[str] = (),
) -> Plan:
    """Plan one build.

    Args:
        description: as loaded.
        profiles: profiles to switch on; none means those the description marks ``import``.
        type_name: the type to build; None means the primary one.
        arch: machine name as ``uname -m``; None means this machine.
        allow_unsigned: honour ``repository_gpgcheck="false"``; otherwise every repository is verified.
        add_packages: names added to the image packages.
        delete_packages: names uninstalled, with what only they needed, at the end of prepare.

    Raises:
        DescriptionError: unknown profile or type, no version, or nothing to build.
    """
    chosen = select(description, profiles=profiles, type_name=type_name, arch=arch)
    _require_version(chosen)
    wanted = gather(chosen, add=add_packages, remove=delete_packages)
    identity = _identity(chosen)
    return Plan(
        image=identity,
        arch=file_arch(chosen.machine),
        profiles=chosen.profiles,
        type=plan_type(chosen.image_type, author=f"{identity.author} <{identity.contact}>"),
        packages=_request(chosen, wanted, allow_unsigned=allow_unsigned),
        delete=wanted.delete,
        uninstall=wanted.uninstall,
        archives=wanted.archives,
        files=wanted.files,
        users=plan_users(chosen.users, image_name=identity.name),
        settings=settings(chosen.merged),
        environment=environment(chosen),
        description=DescriptionRef(kiwi_file=description.kiwi_file, digest=description.digest),
        unsupported=unsupported(chosen),
    )


def combinations(description: Description, *, arch: str | None = None) -> tuple[Combination, ...]:
    """Return every choice that gives a plan: the default profiles, then each profile by itself, with each type.

    Two choices that select the same profiles are one.
    """
    found: dict[tuple[frozenset[str], str], Combination] = {}
    for names in ((), *((profile.name,) for profile in description.profiles)):
        for selected, type_name in _plannable(description, names, arch):
            found.setdefault((selected, type_name), Combination(profiles=names, type_name=type_name))
    return tuple(found.values())


def _plannable(
    description: Description, names: tuple[str, ...], arch: str | None
) -> list[tuple[frozenset[str], str]]:
    try:
        chosen = select(description, profiles=names, arch=arch)
        _require_version(chosen)
    except DescriptionError:
        return []
    types = dict.fromkeys(entry.image for entry in available_types(chosen.preferences))
    return [(frozenset(chosen.profiles), name) for name in types]


def _require_version(chosen: Selection) -> None:
    if not chosen.merged.version:
        raise DescriptionError(
            "the image has no version",
            where=chosen.description.at,
            why="no <preferences> block that counts for the selected profiles has a <version>",
            hint="add <version>1.0.0</version>",
        )


def _identity(chosen: Selection) -> ImageIdentity:
    image = chosen.description.image
    return ImageIdentity(
        name=image.name,
        version=chosen.merged.version,
        displayname=image.displayname,
        id=image.id,
        author=image.author,
        contact=image.contact[0] if image.contact else "",
        specification=image.specification,
    )


def _request(chosen: Selection, wanted: Wanted, *, allow_unsigned: bool) -> PackageRequest:
    return PackageRequest(
        manager=chosen.merged.packagemanager,
        arch=file_arch(chosen.machine),
        repositories=plan_repositories(
            chosen.repositories,
            manager=chosen.merged.packagemanager,
            release_version=chosen.merged.release_version,
            allow_unsigned=allow_unsigned,
        ),
        bootstrap=wanted.bootstrap,
        image=wanted.image,
        ignore=wanted.ignore,
        collections=wanted.collections,
        recommends=wanted.recommends,
    )
