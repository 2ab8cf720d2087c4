# SPDX-License-Identifier: Apache-2.0
"""Plan the package sources: stable names, verification on, locations symbolic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.digest import digest_of
from runner.plan.model import RepositoryPlan, SigningKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.description.model.repositories import Repository

DEFAULT_KIND = {"apt": "apt-deb", "apk": "apk"}
"""Type of a repository that does not say one, by package manager; rpm-md for all others."""

_ALIAS_DIGITS = 16


def plan_repositories(
    repositories: Sequence[Repository], *, manager: str, release_version: str, allow_unsigned: bool
) -> tuple[RepositoryPlan, ...]:
    """Plan ``repositories`` (those that count) in the order written."""
    plans = (_plan(entry, manager, release_version, allow_unsigned=allow_unsigned) for entry in repositories)
    return tuple(plan if plan.alias else _named(plan) for plan in plans)


def _plan(entry: Repository, manager: str, release_version: str, *, allow_unsigned: bool) -> RepositoryPlan:
    return RepositoryPlan(
        alias=entry.alias,
        uri=entry.path,
        kind=entry.kind or DEFAULT_KIND.get(manager, "rpm-md"),
        distribution=entry.distribution,
        components=entry.components or ("main",),
        architectures=entry.architectures,
        priority=entry.priority,
        keys=tuple(SigningKey(uri=_released(key.key, release_version)) for key in entry.signing),
        verify=not (allow_unsigned and entry.repository_gpgcheck is False),
        build=not entry.imageonly,
        image=entry.imageinclude or entry.imageonly,
    )


def _named(plan: RepositoryPlan) -> RepositoryPlan:
    """Name a repository by what it says, never by chance: the name ends up as a file in the image."""
    facts = (plan.uri, plan.kind, plan.distribution, plan.components, plan.architectures)
    return msgspec.structs.replace(plan, alias=digest_of(facts)[:_ALIAS_DIGITS])


def _released(uri: str, release_version: str) -> str:
    return uri.replace("$releasever", release_version or "0")
