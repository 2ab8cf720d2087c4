# SPDX-License-Identifier: Apache-2.0
"""The fence around a description: nothing it names may be read from outside of its checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description import folder
from runner.description.finding import Finding
from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.description.model.description import Description

THIS = "this://"
"""The scheme of addresses relative to the description's folder."""


def outsiders(description: Description, boundary: Path | None = None) -> list[Finding]:
    """Return one finding for each name that leads out: archives, files, repositories, keys, scripts, overlays."""
    findings: list[Finding] = []
    for what, name, where in _names(description):
        try:
            folder.inside(description.directory, name, what=what, where=where, boundary=boundary)
        except DescriptionError as error:
            findings.append(_finding(error))
    try:
        profiles = tuple(profile.name for profile in description.profiles)
        folder.check_pieces(description.directory, profiles, boundary)
    except DescriptionError as error:
        findings.append(_finding(error))
    return findings


def _names(description: Description) -> Iterator[tuple[str, str, Location]]:
    for section in description.packages:
        for archive in section.archives:
            yield "the archive", archive.name, archive.at
        for file in section.files:
            yield "the file", file.name, file.at
    for repository in description.repositories:
        if repository.path.startswith(THIS):
            yield "the repository", repository.path.removeprefix(THIS), repository.at
        for signing in repository.signing:
            if signing.key.startswith(THIS):
                yield "the key", signing.key.removeprefix(THIS), signing.at


def _finding(error: DescriptionError) -> Finding:
    where = error.where if isinstance(error.where, Location) or error.where is None else Location(error.where)
    return Finding(
        id="path_inside_description",
        severity="error",
        message=f"{error.what}: {error.why}",
        where=where,
        remedy=error.hint or "",
    )
