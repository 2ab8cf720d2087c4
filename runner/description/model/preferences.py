# SPDX-License-Identifier: Apache-2.0
"""``<preferences>``: one block of settings and the types in it; blocks are merged by the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.model.element import (
    Section,
    child_text,
    children,
    flag,
    location_of,
    section_of,
    text_of,
    words,
)
from runner.description.model.types import ImageType, read_types

if TYPE_CHECKING:
    from lxml.etree import _Element


class Preferences(Section, frozen=True, kw_only=True):
    """One block. Empty strings, empty tuples and None mean: this block does not say."""

    version: str = ""
    packagemanager: str = ""
    release_version: str = ""
    locale: tuple[str, ...] = ()
    keytable: str = ""
    timezone: str = ""
    rpm_check_signatures: bool | None = None
    rpm_excludedocs: bool | None = None
    rpm_locale_filtering: bool | None = None
    bootloader_theme: str = ""
    bootsplash_theme: str = ""
    showlicense: tuple[str, ...] = ()
    types: tuple[ImageType, ...] = ()


def read_preferences(image: _Element) -> tuple[Preferences, ...]:
    return tuple(_preferences(element) for element in children(image, "preferences"))


def _preferences(element: _Element) -> Preferences:
    return Preferences(
        at=location_of(element),
        version=child_text(element, "version"),
        packagemanager=child_text(element, "packagemanager"),
        release_version=child_text(element, "release-version"),
        locale=words(child_text(element, "locale")),
        keytable=child_text(element, "keytable"),
        timezone=child_text(element, "timezone"),
        rpm_check_signatures=flag(child_text(element, "rpm-check-signatures")),
        rpm_excludedocs=flag(child_text(element, "rpm-excludedocs")),
        rpm_locale_filtering=flag(child_text(element, "rpm-locale-filtering")),
        bootloader_theme=child_text(element, "bootloader-theme"),
        bootsplash_theme=child_text(element, "bootsplash-theme"),
        showlicense=tuple(text_of(entry) for entry in children(element, "showlicense")),
        types=read_types(element),
        **section_of(element),
    )
