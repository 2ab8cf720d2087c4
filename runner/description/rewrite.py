# SPDX-License-Identifier: Apache-2.0
"""Rewrite the files of a description in the newest schema version, or in another syntax, with their comments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.description.find import find_kiwi_file
from runner.description.formats import syntax_of
from runner.description.formats.decode import decode
from runner.description.include import Assembly, image
from runner.description.upgrade import NEWEST, Change, upgrade

if TYPE_CHECKING:
    from pathlib import Path

    from lxml.etree import _Element

    from runner.description.formats import Syntax
    from runner.description.include import Part


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file of a description after the upgrade.

    Attributes:
        name: relative to the description's folder.
        written: the schema version it had.
        before: its bytes as they are.
        after: its bytes as they should be; the same where nothing changes.
        changes: what the upgrade did, without the version itself.
        lost_comments: how many comments the new syntax has no place for.
    """

    name: str
    written: str
    before: bytes
    after: bytes
    changes: tuple[Change, ...]
    lost_comments: int = 0

    @property
    def changed(self) -> bool:
        return self.before != self.after


def rewrite(
    directory: Path, kiwi_file: str | None = None, *, boundary: Path | None = None, to: Syntax | None = None
) -> tuple[Rewritten, ...]:
    """Return all files of the description in ``directory`` anew: the main file first, then what it includes.

    Includes stay includes. XML stays as it is laid out; the other syntaxes keep comments and order, in our layout.
    A file that is of the newest version and in the wanted syntax is left alone, byte for byte.

    Args:
        directory: the folder of the description.
        kiwi_file: its main file, when KIWI's lookup is not wanted.
        boundary: the checkout around the folder.
        to: the syntax wanted; None keeps each file's own.

    Raises:
        DescriptionError: a file cannot be read, is malformed, or of an unsupported schema version.
    """
    name = find_kiwi_file(directory, kiwi_file, boundary=boundary)
    assembly = Assembly(directory, boundary)
    assembly.main(name)
    return tuple(_rewrite(part, assembly.versions[part.name], to) for part in assembly.parts.values())


def _rewrite(part: Part, version: str, to: Syntax | None) -> Rewritten:
    source = syntax_of(part.data, part.name)
    target = to or source
    root = image(part)
    if target == source == "xml":
        from runner.description.formats.layout import remember, restore

        layout = remember(root, decode(part.data, part.name))
        done = upgrade(root, default=version)
        text = restore(root, layout)
    else:
        done = upgrade(root, default=version)
        text = _print(root, target)
    same = target == source and done.written == NEWEST
    return Rewritten(
        name=part.name,
        written=done.written,
        before=part.data,
        after=part.data if same else text.encode(),
        changes=done.changes,
        lost_comments=_comments(root) if target == "json" else 0,
    )


def _print(root: _Element, target: Syntax) -> str:
    if target == "xml":
        from lxml import etree

        etree.indent(root, "  ")
        return (
            f'<?xml version="1.0" encoding="utf-8"?>\n{etree.tostring(root.getroottree(), encoding="unicode")}\n'
        )
    from runner.description.formats import printing
    from runner.description.formats.values_of import values_of

    printers = {"yaml": printing.to_yaml, "json": printing.to_json, "toml": printing.to_toml}
    return printers[target](values_of(root))


def _comments(root: _Element) -> int:
    from runner.description.formats.values_of import is_comment

    around = [*root.itersiblings(preceding=True), *root.itersiblings()]
    return sum(is_comment(node) for node in [*root.iter(), *around])
