# SPDX-License-Identifier: Apache-2.0
"""``<repository>``: where packages come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.model.element import (
    Element,
    Section,
    attribute,
    child,
    children,
    flag,
    location_of,
    number,
    section_of,
    words,
)

if TYPE_CHECKING:
    from lxml.etree import _Element


class Signing(Element, frozen=True, kw_only=True):
    """``<signing key>``: URI of a public key that may sign the repository."""

    key: str


class Repository(Section, frozen=True, kw_only=True):
    """One package source as written. ``None`` for a switch means: not said."""

    path: str
    kind: str = ""
    alias: str = ""
    distribution: str = ""
    components: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    priority: int | None = None
    imageinclude: bool = False
    imageonly: bool = False
    repository_gpgcheck: bool | None = None
    package_gpgcheck: bool | None = None
    sourcetype: str = ""
    customize: str = ""
    username: str = ""
    password: str = ""
    signing: tuple[Signing, ...] = ()

    def __repr__(self) -> str:
        return f"Repository({self.alias or self.kind!r} at {self.at})"

    __str__ = __repr__


def read_repositories(image: _Element) -> tuple[Repository, ...]:
    return tuple(_repository(element) for element in children(image, "repository"))


def _repository(element: _Element) -> Repository:
    source = child(element, "source")
    return Repository(
        at=location_of(element),
        path="" if source is None else attribute(source, "path"),
        kind=attribute(element, "type"),
        alias=attribute(element, "alias"),
        distribution=attribute(element, "distribution"),
        components=words(element.get("components"), None),
        architectures=words(element.get("architectures")),
        priority=number(element.get("priority")),
        imageinclude=flag(element.get("imageinclude")) or False,
        imageonly=flag(element.get("imageonly")) or False,
        repository_gpgcheck=flag(element.get("repository_gpgcheck")),
        package_gpgcheck=flag(element.get("package_gpgcheck")),
        sourcetype=attribute(element, "sourcetype"),
        customize=attribute(element, "customize"),
        username=attribute(element, "username"),
        password=element.get("password") or "",
        signing=()
        if source is None
        else tuple(
            Signing(at=location_of(entry), key=attribute(entry, "key")) for entry in children(source, "signing")
        ),
        **section_of(element),
    )
