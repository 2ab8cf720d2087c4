# SPDX-License-Identifier: Apache-2.0
"""Reading what apt fetched: the ``Packages`` indices and the signed ``InRelease`` files.

Stanzas are looked up, not parsed one by one: Debian's main index has 60,000 of them and a build needs a hundred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from runner.digest import sha256_file
from runner.errors import ResolveError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

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


def stanzas_of(workspace: Workspace, wanted: Iterable[Identity]) -> dict[Identity, Stanza]:
    """Find the stanzas of ``wanted``; the first repository in order that has a version gives it."""
    left = set(wanted)
    names = {name.encode() for name, _, _ in left}
    found: dict[Identity, Stanza] = {}
    for source in workspace.sources:
        for path in _package_files(workspace.lists, source):
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


def release_file(workspace: Workspace, source: Source) -> Path:
    """The repository's signed index, or its unsigned ``Release``.

    Raises:
        ResolveError: apt left neither.
    """
    stem = _list_stem(source)
    for ending in ("InRelease", "Release"):
        path = workspace.lists / f"{stem}{ending}"
        if path.is_file():
            return path
    raise ResolveError(f"repository {source.plan.alias} has no InRelease or Release file", where=source.url)


def release_date(path: Path) -> str:
    """The index's own ``Date`` as RFC 3339 UTC, empty when it has none."""
    match = re.search(r"^Date:\s*(.+)$", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    if match is None:
        return ""
    try:
        moment: datetime = parsedate_to_datetime(match[1].strip())
    except ValueError as error:
        raise ResolveError(f"the index {path.name} has a Date that is none", why=str(error)) from error
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def release_digest(path: Path) -> str:
    """sha256 of the signed index as served."""
    return sha256_file(path)


def _package_files(lists: Path, source: Source) -> list[Path]:
    return sorted(path for path in lists.glob(f"{_glob_escape(_list_stem(source))}*Packages") if path.is_file())


def _glob_escape(text: str) -> str:
    return re.sub(r"([\[\]*?])", r"[\1]", text)


def _list_stem(source: Source) -> str:
    """The start of the names apt gives a source's lists: its URL, every slash an underscore (URItoFileName)."""
    url = source.url.partition("://")[2].rpartition("@")[2]
    place = "./" if source.flat else f"dists/{source.plan.distribution}/"
    return f"{url}/{place}".replace("_", "%5f").replace("/", "_")
