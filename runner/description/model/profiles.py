# SPDX-License-Identifier: Apache-2.0
"""``<profiles>``: the names under which sections of a description are switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.model.element import Element, attribute, children, flag, location_of, words

if TYPE_CHECKING:
    from lxml.etree import _Element


class Requirement(Element, frozen=True, kw_only=True):
    """``<requires>``: another profile this one pulls in, on the machines of ``arch`` or everywhere."""

    profile: str
    arch: tuple[str, ...] = ()


class Profile(Element, frozen=True, kw_only=True):
    """One profile. ``default`` (``import`` in the description): selected when the user names none."""

    name: str
    description: str
    default: bool = False
    arch: tuple[str, ...] = ()
    requires: tuple[Requirement, ...] = ()


def read_profiles(image: _Element) -> tuple[Profile, ...]:
    return tuple(_profile(entry) for group in children(image, "profiles") for entry in children(group, "profile"))


def _profile(element: _Element) -> Profile:
    return Profile(
        at=location_of(element),
        name=attribute(element, "name"),
        description=attribute(element, "description"),
        default=flag(element.get("import")) or False,
        arch=words(element.get("arch")),
        requires=tuple(
            Requirement(at=location_of(entry), profile=attribute(entry, "profile"), arch=words(entry.get("arch")))
            for entry in children(element, "requires")
        ),
    )
