# SPDX-License-Identifier: Apache-2.0
"""From a folder to a Description: find, parse, include, upgrade, validate, read."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from runner.description import folder
from runner.description.fence import outsiders
from runner.description.find import find_kiwi_file
from runner.description.finding import InvalidDescriptionError, by_line
from runner.description.formats import to_text
from runner.description.include import Assembly
from runner.description.model.description import read_description
from runner.description.model.element import BASE
from runner.description.schema.validate import validate_tree
from runner.digest import digest_of, sha256_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from lxml.etree import _Element

    from runner.description.finding import Finding
    from runner.description.model.description import Description


def load(directory: Path, kiwi_file: str | None = None, *, boundary: Path | None = None) -> Description:
    """Load the description in ``directory``.

    Args:
        directory: the folder of the description.
        kiwi_file: its main file, when KIWI's lookup is not wanted.
        boundary: the checkout around the folder: links and includes may lead into it. None: nowhere but into the
            folder itself.

    Raises:
        InvalidDescriptionError: the schema or the fence around the folder is violated; all findings are in it.
        DescriptionError: no description, unreadable, malformed, or of an unsupported schema version.
    """
    name = find_kiwi_file(directory, kiwi_file, boundary=boundary)
    assembly = Assembly(directory, boundary)
    root, written = assembly.main(name)
    _refuse(validate_tree(root))
    description = read_description(
        root,
        directory=directory,
        kiwi_file=name,
        digest=_digest(assembly),
        schemaversion=written,
        text=to_text(_unmarked(root)),
    )
    _refuse(outsiders(description, boundary))
    return description


def _refuse(findings: list[Finding]) -> None:
    if findings:
        raise InvalidDescriptionError(sorted(findings, key=by_line))


def _digest(assembly: Assembly) -> str:
    """Return the digest of the folder, and of what is included from elsewhere in the checkout."""
    own = folder.digest(assembly.directory, assembly.boundary)
    outer = sorted(
        (part.name, sha256_bytes(part.data)) for part in assembly.parts.values() if part.name.startswith("../")
    )
    return digest_of([own, *outer]) if outer else own


def _unmarked(root: _Element) -> _Element:
    """Return the tree without the marks of where its elements come from."""
    if not any(BASE in element.attrib for element in root.iterchildren("*")):
        return root
    plain = copy.deepcopy(root)
    for element in plain.iterchildren("*"):
        element.attrib.pop(BASE, None)
    return plain
