# SPDX-License-Identifier: Apache-2.0
"""Reading what apt fetched: the ``Packages`` indices and the signed ``InRelease`` files.

Stanzas are looked up, not parsed one by one: Debian's main index has 60,000 of them and a build needs a hundred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runner import process
from runner.digest import sha256_file
from runner.errors import ResolveError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.packages.apt.workspace import Source, Workspace

_FIELD = re.compile(rb"^(?P<name>[A-Za-z0-9-]+):[ \t]*(?P<value>.*(?:\n[ \t].*)*)", re.MULTILINE)

Identity = tuple[str, str, str]
"""Package name, version, architecture."""


@dataclass(frozen=True, slots=True)
class Stanza:
    """One package of an index."""

    source: Source
    fields: dict[str, str]

    def field(self, name: str) -> str:
        return self.fields.get(name.lower(), "")


@dataclass(frozen=True, slots=True)
class Lists:
    """The files apt fetched for one source: its index, that one's detached signature if any, ``Packages``."""

    release: Path
    signature: Path | None
    packages: tuple[Path, ...]

    @property
    def text(self) -> str:
        return self.release.read_text(encoding="utf-8", errors="replace")


def fetched_lists(workspace: Workspace) -> tuple[Lists, ...]:
    """Ask apt which of its files belong to which source, in the order of the sources.

    Raises:
        ResolveError: a source has no index, or no packages for the machine.
    """
    argv = ["apt-get", "indextargets", "--format", "$(SOURCESENTRY)|$(FILENAME)", "Created-By: Packages"]
    done = process.run(argv, env=workspace.environment, what="apt-get indextargets")
    files: dict[str, list[Path]] = {}
    for line in done.stdout.decode().splitlines():
        entry, _, name = line.partition("|")
        files.setdefault(entry.rpartition(":")[2], []).append(Path(name))
    return tuple(
        _lists_of(workspace, source, files.get(str(number), []))
        for number, source in enumerate(workspace.sources, 1)
    )


def _lists_of(workspace: Workspace, source: Source, packages: list[Path]) -> Lists:
    found = [path for path in packages if path.is_file()]
    if not found:
        raise ResolveError(
            f"repository {source.plan.alias} has no packages for this machine",
            where=source.url,
            hint="check its components and architectures",
        )
    for ending in ("InRelease", "Release"):
        stems = (path for path in workspace.lists.glob(f"*_{ending}"))
        fitting = [path for path in stems if found[0].name.startswith(path.name.removesuffix(ending))]
        if fitting:
            release = max(fitting, key=lambda path: len(path.name))
            signature = release.with_name(f"{release.name}.gpg")
            return Lists(release, signature if signature.is_file() else None, tuple(sorted(found)))
    raise ResolveError(f"repository {source.plan.alias} has no InRelease or Release file", where=source.url)


def stanzas_of(
    sources: Sequence[Source], lists: Sequence[Lists], wanted: Iterable[Identity]
) -> dict[Identity, Stanza]:
    """Find the stanzas of ``wanted``; the first repository in order that has a version gives it.

    Raises:
        ResolveError: no repository has one of them.
    """
    left = set(wanted)
    names = {name.encode() for name, _, _ in left}
    found: dict[Identity, Stanza] = {}
    for source, files in zip(sources, lists, strict=True):
        for path in files.packages:
            for raw in _candidates(path.read_bytes(), names):
                fields = parse_stanza(raw)
                identity = (fields.get("package", ""), fields.get("version", ""), fields.get("architecture", ""))
                if identity in left and identity not in found:
                    found[identity] = Stanza(source, fields)
    if missing := left - found.keys():
        name, version, _ = min(missing)
        raise ResolveError(f"apt chose {name} {version}, which no repository's index describes")
    return found


def parse_stanza(raw: bytes) -> dict[str, str]:
    """Split one deb822(5) stanza into its fields, names in lower case."""
    return {
        match["name"].decode("ascii").lower(): match["value"].decode("utf-8", "replace")
        for match in _FIELD.finditer(raw)
    }


def _candidates(text: bytes, names: set[bytes]) -> Iterable[bytes]:
    for raw in text.split(b"\n\n"):
        first, _, _ = raw.partition(b"\n")
        if first.startswith(b"Package: "):
            if first[9:].strip() in names:
                yield raw
        elif (match := re.search(rb"^Package:\s*(\S+)", raw, re.MULTILINE)) and match[1] in names:
            yield raw


def release_date(path: Path) -> str:
    """The index's own ``Date`` as RFC 3339 UTC, empty when it has none."""
    match = re.search(r"^Date:\s*(.+)$", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    if match is None:
        return ""
    try:
        moment: datetime = parsedate_to_datetime(match[1].strip())
    except ValueError as error:
        raise ResolveError(f"the index {path.name} has a Date that is none", why=str(error)) from error
    if moment.tzinfo is None:  # a zone of -0000: nobody knows, so it is taken as UTC
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def release_digest(path: Path) -> str:
    """sha256 of the signed index as served."""
    return sha256_file(path)
