# SPDX-License-Identifier: Apache-2.0
"""Which of a repository's branches and tags are watched, and into which channel they go."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from runner.service.watch.own_branches import is_own

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from runner.service.config.model import Destination, Repository
    from runner.sources.remote import RemoteRefs

BRANCHES, TAGS = "refs/heads/", "refs/tags/"
DEFAULT_BRANCH = "HEAD"


def watched(repository: Repository, refs: RemoteRefs, left: Collection[str] = ()) -> dict[str, str]:
    """Return the watched ones of ``refs``: full names to commits; no branch that we push to is one.

    ``left`` are those that :func:`pushed` gives.
    """
    wanted = (name for name in refs.commits if _is_watched(repository, name, refs.default))
    return {name: refs.commits[name] for name in wanted if name not in left}


def pushed(repository: Repository, refs: RemoteRefs, before: Mapping[str, str]) -> dict[str, str]:
    """Return the branches that would be watched, but that we push to, or did: full names to commits.

    ``before`` is what this gave last. A branch that is where it was then is not built because a schedule was taken
    out, or pushes to another one.
    """
    return {
        name: commit
        for name, commit in refs.commits.items()
        if name.startswith(BRANCHES)
        and not _is_default(repository, name, refs.default)
        and _fits(repository, name)
        and (before.get(name) == commit or is_own(repository, name.removeprefix(BRANCHES)))
    }


def _is_default(repository: Repository, name: str, default: str) -> bool:
    return name == default and DEFAULT_BRANCH in repository.refs


def _is_watched(repository: Repository, name: str, default: str) -> bool:
    if name.startswith(TAGS):
        return matches(name.removeprefix(TAGS), repository.tags)
    if _is_default(repository, name, default):
        return True
    return _fits(repository, name) and not is_own(repository, name.removeprefix(BRANCHES))


def _fits(repository: Repository, name: str) -> bool:
    patterns = tuple(pattern for pattern in repository.refs if pattern != DEFAULT_BRANCH)
    return matches(name.removeprefix(BRANCHES), patterns)


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether ``name`` fits one of ``patterns``, as in a shell, with ``*`` for slashes as well."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def channel_of(destination: Destination | None, name: str) -> str:
    """Return the channel for what is built of the branch or tag ``name``; empty: it is not published."""
    if destination is None:
        return ""
    if name.startswith(TAGS):
        return _first(destination.tag_channels, name.removeprefix(TAGS))
    return _first(destination.channels, name.removeprefix(BRANCHES))


def _first(channels: Mapping[str, str], short: str) -> str:
    return next((channel for pattern, channel in channels.items() if fnmatchcase(short, pattern)), "")
