# SPDX-License-Identifier: Apache-2.0
"""``<containerconfig>``: what the container image says about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.model.element import (
    Element,
    attribute,
    child,
    child_text,
    children,
    flag,
    location_of,
    text_of,
    words,
)

if TYPE_CHECKING:
    from lxml.etree import _Element


class ContainerCommand(Element, frozen=True, kw_only=True):
    """``<entrypoint>`` or ``<subcommand>``; ``clear`` removes an inherited one."""

    execute: str = ""
    clear: bool = False
    arguments: tuple[str, ...] = ()


class History(Element, frozen=True, kw_only=True):
    created_by: str = ""
    author: str = ""
    comment: str = ""


class ContainerConfig(Element, frozen=True, kw_only=True):
    name: str
    tag: str = ""
    additionalnames: tuple[str, ...] = ()
    maintainer: str = ""
    user: str = ""
    workingdir: str = ""
    entrypoint: ContainerCommand | None = None
    subcommand: ContainerCommand | None = None
    expose: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    stopsignal: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    history: History | None = None
    application_id: str = ""
    package_version: str = ""
    launcher: str = ""


def read_container(image_type: _Element) -> ContainerConfig | None:
    element = child(image_type, "containerconfig")
    if element is None:
        return None
    return ContainerConfig(
        at=location_of(element),
        name=attribute(element, "name"),
        tag=attribute(element, "tag"),
        additionalnames=words(element.get("additionalnames")),
        maintainer=attribute(element, "maintainer"),
        user=attribute(element, "user"),
        workingdir=attribute(element, "workingdir"),
        entrypoint=_command(child(element, "entrypoint")),
        subcommand=_command(child(element, "subcommand")),
        expose=_names(element, "expose", "port", "number"),
        volumes=_names(element, "volumes", "volume", "name"),
        stopsignal=child_text(element, "stopsignal"),
        environment=_pairs(element, "environment", "env"),
        labels=_pairs(element, "labels", "label"),
        history=_history(child(element, "history")),
        application_id=attribute(element, "application_id"),
        package_version=attribute(element, "package_version"),
        launcher=attribute(element, "launcher"),
    )


def _command(element: _Element | None) -> ContainerCommand | None:
    if element is None:
        return None
    return ContainerCommand(
        at=location_of(element),
        execute=attribute(element, "execute"),
        clear=flag(element.get("clear")) or False,
        arguments=tuple(entry.get("name") or "" for entry in children(element, "argument")),
    )


def _names(element: _Element, group: str, entry: str, key: str) -> tuple[str, ...]:
    return tuple(attribute(item, key) for part in children(element, group) for item in children(part, entry))


def _pairs(element: _Element, group: str, entry: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (attribute(item, "name"), item.get("value") or "")
        for part in children(element, group)
        for item in children(part, entry)
    )


def _history(element: _Element | None) -> History | None:
    if element is None:
        return None
    return History(
        at=location_of(element),
        created_by=attribute(element, "created_by"),
        author=attribute(element, "author"),
        comment=text_of(element),
    )
