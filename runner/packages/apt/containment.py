# SPDX-License-Identifier: Apache-2.0
"""Refuse package files that would write outside the tree while they are laid out as plain files.

A first member may be a link to ``/etc`` and a second one a file behind that link: ``tar`` would follow it to this
machine. The tree is empty before and nothing but these archives writes into it, so it is enough to look at
their member names: none may lie behind a link, unless the link is of the kind that a merged ``/usr`` has.
"""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from runner.errors import BuildError
from runner.packages.apt.deb import package_errors, read_deb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def check_contained(debs: Iterable[Path], made: Mapping[str, str]) -> None:
    """Check the decompressed packages ``debs``; ``made`` are links that lie in the tree already, path to target.

    Raises:
        BuildError: a member climbs out of the tree, or lies behind a link that may lead out of it.
    """
    links = dict(made)
    members: dict[str, str] = {}
    for deb in debs:
        for member in _members(deb):
            name = member.name.removeprefix("./").rstrip("/")
            if name.startswith("/") or ".." in name.split("/"):
                raise _refused(deb, name, "its name leads out of the tree")
            if member.issym():
                links[name] = member.linkname
            members[name] = deb.name
    for name, deb_name in members.items():
        for link in _parents(name):
            if link in links and not _harmless(links[link], links):
                raise BuildError(
                    f"a package has a file behind a link: {name}",
                    where=deb_name,
                    why=f"{link} is a link to {links[link]}",
                    hint="such a package could write to this machine; use another repository",
                )


def _harmless(target: str, links: Mapping[str, str]) -> bool:
    """A relative link to a folder below it that is no link itself, as ``lib`` to ``usr/lib``."""
    parts = target.split("/")
    below = {target, *_parents(target)}
    return not target.startswith("/") and ".." not in parts and not below & links.keys()


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _members(deb: Path) -> Iterable[tarfile.TarInfo]:
    place = read_deb(deb)
    with package_errors(deb.name), deb.open("rb") as stream:
        stream.seek(place.data_offset)
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            yield from tar


def _refused(deb: Path, name: str, why: str) -> BuildError:
    return BuildError(f"a package has a member that cannot be unpacked: {name}", where=deb.name, why=why)
