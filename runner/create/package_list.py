# SPDX-License-Identifier: Apache-2.0
"""``N.packages``: the packages in the tree in KIWI's seven fields, a line each, sorted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STATUS = "var/lib/dpkg/status"
_INSTALLED = " ok installed"
"""End of the status of a package whose files are all there, whatever is wanted of it (``install``, ``hold``)."""
_FIELDS = ("Package", "Status", "Version", "Architecture")


def package_list(root: Path) -> str | None:
    """Return the text of ``N.packages`` for the tree at ``root``, or None when no package manager left a database.

    A dpkg line is ``name|None|version|None|arch|None|None``: epoch and revision are inside the version.

    Raises:
        BuildError: the database is not inside the tree or not readable as dpkg's.
    """
    status = root / _STATUS
    if not status.is_file():
        return None
    if not status.resolve().is_relative_to(root.resolve()):
        raise BuildError("the package database of the tree lies outside of it", where=f"/{_STATUS}")
    text = status.read_text(encoding="utf-8", errors="surrogateescape")
    return "".join(sorted(_lines(text)))


def _lines(status: str) -> Iterator[str]:
    for stanza in status.split("\n\n"):
        fields = dict(_fields(stanza))
        if not fields.get("Status", "").endswith(_INSTALLED):
            continue
        try:
            yield f"{fields['Package']}|None|{fields['Version']}|None|{fields['Architecture']}|None|None\n"
        except KeyError as error:
            raise BuildError(
                "the package database of the tree is damaged",
                where=f"/{_STATUS}",
                why=f"package {fields.get('Package', '(without name)')} has no field {error}",
            ) from None


def _fields(stanza: str) -> Iterator[tuple[str, str]]:
    for line in stanza.split("\n"):
        key, colon, value = line.partition(":")
        if colon and key in _FIELDS:
            yield key, value.strip()
