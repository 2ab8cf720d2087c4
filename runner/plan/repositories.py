# SPDX-License-Identifier: Apache-2.0
"""Plan the package sources: stable names, verification on, locations symbolic."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from runner.digest import digest_of
from runner.plan.model import RepositoryPlan, SigningKey
from runner.redact import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from runner.description.model.repositories import Repository
    from runner.packages.credentials import Written

DEFAULT_KIND = {"apt": "apt-deb", "apk": "apk"}
"""Type of a repository that does not say one, by package manager; rpm-md for all others."""

_ALIAS_DIGITS = 16
_ZYPPER_LOGIN = re.compile(r"(?P<mark>[?&])credentials=[^&]*(?P<more>&)?")


def plan_repositories(
    repositories: Sequence[Repository],
    *,
    manager: str,
    release_version: str,
    allow_unsigned: bool,
    check_packages: bool = True,
) -> tuple[RepositoryPlan, ...]:
    """Plan ``repositories`` (those that count) in the order written; what is there twice counts once.

    ``check_packages`` is false where the description switches package signatures off for all of them.
    """
    plans = []
    for entry in repositories:
        plan = _plan(entry, manager, release_version, allow_unsigned=allow_unsigned, check_packages=check_packages)
        plans.append(plan if plan.alias else _named(plan))
    return tuple(_apart(dict.fromkeys(plans)))


def _plan(
    entry: Repository, manager: str, release_version: str, *, allow_unsigned: bool, check_packages: bool
) -> RepositoryPlan:
    uri, login = location(entry.path)
    said = entry.package_gpgcheck
    return RepositoryPlan(
        alias=entry.alias,
        uri=uri,
        kind=entry.kind or DEFAULT_KIND.get(manager, "rpm-md"),
        distribution=entry.distribution,
        components=entry.components or ("main",),
        architectures=entry.architectures,
        priority=entry.priority,
        keys=tuple(SigningKey(uri=_released(key.key, release_version)) for key in entry.signing),
        verify=not (allow_unsigned and entry.repository_gpgcheck is False),
        build=not entry.imageonly,
        image=entry.imageinclude or entry.imageonly,
        verify_packages=not allow_unsigned or (check_packages if said is None else said),
        sourcetype=entry.sourcetype or "baseurl",
        customize=entry.customize,
        credentials=login or bool(entry.username or entry.password),
    )


def location(path: str) -> tuple[str, bool]:
    """Return a ``<source path>`` without any login, local ones in one spelling, and whether a login was taken out.

    ``dir:``, ``file:`` and a bare absolute path are a folder of the machine; ``this:`` is relative to the
    description; zypper's ``?credentials=FILE`` counts as a login.
    """
    scheme, colon, rest = path.partition(":")
    if path.startswith("/"):
        return f"dir://{path}", False
    if colon and scheme in {"dir", "file"}:
        return f"{scheme}:///{rest.lstrip('/')}", False
    if colon and scheme == "this":
        return f"this://{rest.lstrip('/')}", False
    plain = _ZYPPER_LOGIN.sub(_without, strip_credentials(path))
    return plain, plain != path


def written_login(entry: Repository) -> Written:
    """Return what a description says of a repository's login, found by the names that its plan has."""
    from runner.packages.credentials import Login, Written, split_login

    uri, _ = location(entry.path)
    inside = split_login(entry.path)[1] or Login("")
    own = Login(entry.username, entry.password) if entry.username or entry.password else inside
    return Written(entry.alias, uri, own.username, own.password)


def _without(found: re.Match[str]) -> str:
    """Keep the mark before the login only where another parameter follows."""
    return found["mark"] if found["more"] else ""


def _apart(plans: Iterable[RepositoryPlan]) -> Iterator[RepositoryPlan]:
    """Number different repositories of one name: each is a file of its own in the image."""
    seen: Counter[str] = Counter()
    for plan in plans:
        seen[plan.alias] += 1
        again = seen[plan.alias]
        yield plan if again == 1 else msgspec.structs.replace(plan, alias=f"{plan.alias}-{again}")


def _named(plan: RepositoryPlan) -> RepositoryPlan:
    """Name a repository by what it says, never by chance: the name ends up as a file in the image."""
    facts = (plan.uri, plan.kind, plan.distribution, plan.components, plan.architectures)
    return msgspec.structs.replace(plan, alias=digest_of(facts)[:_ALIAS_DIGITS])


def _released(uri: str, release_version: str) -> str:
    return uri.replace("$releasever", release_version or "0")
