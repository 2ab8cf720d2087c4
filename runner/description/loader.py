# SPDX-License-Identifier: Apache-2.0
"""From a folder to a Description: find, parse, upgrade, validate, read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description import folder
from runner.description.fence import outsiders
from runner.description.find import find_kiwi_file
from runner.description.finding import InvalidDescriptionError, by_line
from runner.description.formats import MAX_BYTES, parse, to_text
from runner.description.model.description import read_description
from runner.description.schema.validate import validate_tree
from runner.description.upgrade import upgrade
from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from pathlib import Path

    from runner.description.finding import Finding
    from runner.description.model.description import Description


def load(directory: Path, kiwi_file: str | None = None, *, boundary: Path | None = None) -> Description:
    """Load the description in ``directory``.

    Args:
        directory: the folder of the description.
        kiwi_file: its main file, when KIWI's lookup is not wanted.
        boundary: the checkout around the folder: links may lead into it. None: nowhere but into the folder itself.

    Raises:
        InvalidDescriptionError: the schema or the fence around the folder is violated; all findings are in it.
        DescriptionError: no description, unreadable, malformed, or of an unsupported schema version.
    """
    name = find_kiwi_file(directory, kiwi_file, boundary=boundary)
    root = parse(_read(directory, name, boundary), name)
    if root.tag != "image":
        raise DescriptionError(
            f"the document is a <{root.tag!s}>, not an <image>",
            where=Location(name, root.sourceline),
            hint="this file is no image description; choose another with --kiwi-file",
        )
    written = upgrade(root)
    _refuse(validate_tree(root))
    description = read_description(
        root,
        directory=directory,
        kiwi_file=name,
        digest=folder.digest(directory, boundary),
        schemaversion=written,
        text=to_text(root),
    )
    _refuse(outsiders(description, boundary))
    return description


def _refuse(findings: list[Finding]) -> None:
    if findings:
        raise InvalidDescriptionError(sorted(findings, key=by_line))


def _read(directory: Path, name: str, boundary: Path | None) -> bytes:
    path = folder.inside(directory, name, what="the kiwi file", boundary=boundary)
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise DescriptionError(
            "the description cannot be read", where=Location(name), why=error.strerror or None
        ) from error
