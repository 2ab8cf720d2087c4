# SPDX-License-Identifier: Apache-2.0
"""Resolve: a description, profiles, a type and a machine become one plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.errors import DescriptionError
from runner.plan.certificates import plan_certificates
from runner.plan.environment import environment
from runner.plan.model import DescriptionRef, ImageIdentity, PackageRequest, Plan
from runner.plan.overrides import NOTHING, overridden
from runner.plan.packages import gather
from runner.plan.preferences import settings
from runner.plan.preload import plan_preloaded
from runner.plan.repositories import plan_repositories
from runner.plan.select import available_types, file_arch, select, selectors
from runner.plan.support import unsupported
from runner.plan.types import plan_type
from runner.plan.users import plan_users

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.description.model.description import Description
    from runner.plan.overrides import Overrides
    from runner.plan.packages import Wanted
    from runner.plan.select import Selection


class Combination(msgspec.Struct, frozen=True, kw_only=True):
    """Arguments of :func:`make_plan`: profiles to name (none: the defaults) and a type.

    ``index`` counts from 1 among the types of that name for these profiles.
    """

    profiles: tuple[str, ...]
    type_name: str
    index: int = 1


def make_plan(
    description: Description,
    *,
    profiles: Sequence[str] = (),
    type_name: str | None = None,
    arch: str | None = None,
    allow_unsigned: bool = False,
    overrides: Overrides = NOTHING,
) -> Plan:
    """Plan one build.

    Args:
        description: as loaded.
        profiles: profiles to switch on; none means those the description marks ``import``.
        type_name: the type to build; None means the primary one.
        arch: machine name as ``uname -m``; None means this machine.
        allow_unsigned: honour ``repository_gpgcheck="false"``; otherwise every repository is verified.
        overrides: what is to be otherwise than the description says.

    Raises:
        UsageError: an override has nothing it could change.
        DescriptionError: unknown profile or type, no version, or nothing to build.
    """
    chosen = overridden(select(description, profiles=profiles, type_name=type_name, arch=arch), overrides)
    _require_version(chosen)
    wanted = gather(chosen)
    identity = _identity(chosen)
    return Plan(
        image=identity,
        arch=file_arch(chosen.machine),
        profiles=chosen.profiles,
        type=plan_type(chosen, author=f"{identity.author} <{identity.contact}>"),
        packages=_request(chosen, wanted, allow_unsigned=allow_unsigned),
        delete=wanted.delete,
        uninstall=wanted.uninstall,
        system_files=wanted.system_files,
        archives=wanted.archives,
        files=wanted.files,
        users=plan_users(chosen.users, image_name=identity.name),
        preload=plan_preloaded(description.containers, chosen.profiles, chosen.machine),
        certificates=plan_certificates(description.certificates, chosen.profiles, chosen.machine),
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
    for names in profile_choices(description):
        try:
            chosen = select(description, profiles=names, arch=arch)
            _require_version(chosen)
        except DescriptionError:
            continue
        for entry in of_profiles(chosen, names):
            found.setdefault((frozenset(chosen.profiles), entry.type_name), entry)
    return tuple(found.values())


def profile_choices(description: Description) -> tuple[tuple[str, ...], ...]:
    """Return what can be named to choose profiles: nothing for the defaults, then each profile by itself."""
    return ((), *((name,) for name in dict.fromkeys(profile.name for profile in description.profiles)))


def of_profiles(chosen: Selection, names: tuple[str, ...]) -> tuple[Combination, ...]:
    """Return a combination for each type that counts for the selection made by naming the profiles ``names``."""
    return tuple(
        Combination(profiles=names, type_name=name, index=int(name.partition(":")[2] or 1))
        for name in selectors(available_types(chosen.preferences))
    )


def _require_version(chosen: Selection) -> None:
    if not chosen.merged.version:
        raise DescriptionError(
            "the image has no version",
            where=chosen.description.at,
            why="no <preferences> block that counts for the selected profiles has a <version>",
            hint="add <version>1.0.0</version>, or give one with --set-version",
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
            check_packages=chosen.merged.check_signatures is not False,
        ),
        bootstrap=wanted.bootstrap,
        image=wanted.image,
        ignore=wanted.ignore,
        collections=wanted.collections,
        products=wanted.products,
        modules=wanted.modules,
        recommends=wanted.recommends,
        release_version=chosen.merged.release_version,
    )
