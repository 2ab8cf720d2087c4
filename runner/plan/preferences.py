# SPDX-License-Identifier: Apache-2.0
"""Merge the preference blocks that count.

KIWI reads some values from the first block that has one (what the engine itself needs) and others from the last
(what is written into the system and told to scripts). Descriptions rely on both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from runner.plan.model import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.description.model.preferences import Preferences

DEFAULT_MANAGER = "dnf4"
_ALWAYS = ("POSIX", "C", "C.UTF-8")
"""Languages that rpm keeps in any case when it filters."""
_PLAIN_LOCALES = frozenset({"C", "POSIX"})
_T = TypeVar("_T")


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """The merged values. Empty and None: no block says.

    ``languages`` are those whose files rpm unpacks; empty means all. They come of the first block with a locale,
    while ``locale``, which is set in the system, comes of the last.
    """

    version: str
    packagemanager: str
    release_version: str
    exclude_docs: bool
    check_signatures: bool | None
    languages: tuple[str, ...]
    locale: tuple[str, ...]
    keytable: str
    timezone: str
    bootloader_theme: str
    bootsplash_theme: str
    showlicense: tuple[str, ...]


def merge(blocks: Sequence[Preferences]) -> Merged:
    """Merge ``blocks`` in document order."""
    return Merged(
        version=_first(block.version for block in blocks) or "",
        packagemanager=_first(block.packagemanager for block in blocks) or DEFAULT_MANAGER,
        release_version=_first(block.release_version for block in blocks) or "",
        exclude_docs=_first(block.rpm_excludedocs for block in blocks) or False,
        check_signatures=_first(block.rpm_check_signatures for block in blocks),
        languages=_languages(blocks),
        locale=_last(block.locale for block in blocks) or (),
        keytable=_last(block.keytable for block in blocks) or "",
        timezone=_last(block.timezone for block in blocks) or "",
        bootloader_theme=_last(block.bootloader_theme for block in blocks) or "",
        bootsplash_theme=_last(block.bootsplash_theme for block in blocks) or "",
        showlicense=_last(block.showlicense for block in blocks) or (),
    )


def settings(merged: Merged) -> Settings:
    """Return what is written into the tree; the locale is the first of the list, in UTF-8."""
    return Settings(
        locale=_system_locale(merged.locale[0]) if merged.locale else "",
        keytable=merged.keytable,
        timezone=merged.timezone,
        bootsplash_theme=merged.bootsplash_theme,
        exclude_docs=merged.exclude_docs,
        rpm_languages=merged.languages,
    )


def _languages(blocks: Sequence[Preferences]) -> tuple[str, ...]:
    if not _first(block.rpm_locale_filtering for block in blocks):
        return ()
    return tuple(dict.fromkeys((*_ALWAYS, *(_first(block.locale for block in blocks) or ()))))


def _system_locale(name: str) -> str:
    return name if name in _PLAIN_LOCALES or "." in name else f"{name}.UTF-8"


def _first(values: Iterable[_T | None]) -> _T | None:
    """Return the first value said; an explicit false counts as said."""
    return next((value for value in values if value not in ("", (), None)), None)


def _last(values: Iterable[_T | None]) -> _T | None:
    return _first(reversed(list(values)))
