# SPDX-License-Identifier: Apache-2.0
"""From a folder to a Description: find, parse, upgrade, validate, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description import folder
from runner.description.find import find_kiwi_file
from runner.description.finding import Finding, InvalidDescriptionError, by_line
from runner.description.formats import MAX_BYTES, parse, to_text
from runner.description.model.description import Description, read_description
from runner.description.schema.validate import validate_tree
from runner.description.upgrade import upgrade
from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from pathlib import Path


def load(directory: Path, kiwi_file: str | None = None) -> Description:
    """Load the description in ``directory``; ``kiwi_file`` names its main file when KIWI's lookup is not wanted.

    Raises:
        InvalidDescriptionError: the schema or the fence around the folder is violated; all findings are in it.
        DescriptionError: no description, unreadable, malformed, or of an unsupported schema version.
    """
    name = find_kiwi_file(directory, kiwi_file)
    root = parse(_read(directory, name), name)
    if root.tag != "image":
        raise DescriptionError(
            f"the document is a <{root.tag!s}>, not an <image>",
            where=Location(name, root.sourceline),
            hint="this file is no image description; choose another with --kiwi-file",
        )
    written = upgrade(root)
    if findings := validate_tree(root):
        raise InvalidDescriptionError(sorted(findings, key=by_line))
    description = read_description(
        root,
        directory=directory,
        kiwi_file=name,
        digest=folder.digest(directory),
        schemaversion=written,
        text=to_text(root),
    )
    if findings := _fence(description):
        raise InvalidDescriptionError(findings)
    return description


def _read(directory: Path, name: str) -> bytes:
    path = folder.inside(directory, name, what="the kiwi file")
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise DescriptionError(
            "the description cannot be read", where=Location(name), why=error.strerror or None
        ) from error


def _fence(description: Description) -> list[Finding]:
    """Refuse everything the engine would read from outside of the folder, all offenders at once."""
    names = tuple(profile.name for profile in description.profiles)
    pieces = [(piece.name, f"the {what}", piece.at) for section in description.packages for what, entries in (
        ("archive", section.archives), ("file", section.files)) for piece in entries]  # fmt: skip
    findings: list[Finding] = []
    for name, what, where in pieces:
        try:
            folder.inside(description.directory, name, what=what, where=where)
        except DescriptionError as error:
            findings.append(_outside(error))
    try:
        folder.check_pieces(description.directory, names)
    except DescriptionError as error:
        findings.append(_outside(error))
    return findings


def _outside(error: DescriptionError) -> Finding:
    where = error.where if isinstance(error.where, Location) or error.where is None else Location(error.where)
    return Finding(
        id="path_inside_description",
        severity="error",
        message=f"{error.what}: {error.why}",
        where=where,
        remedy=error.hint or "",
    )
