# SPDX-License-Identifier: Apache-2.0
"""The Description: a whole image description, typed, with the folder it lies in and the digest of that folder."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - msgspec reads the annotation when the struct is used
from typing import TYPE_CHECKING

from runner.description.model.certificates import Certificates
from runner.description.model.element import (
    Element,
    Node,
    attribute,
    child,
    child_text,
    children,
    location_of,
    read_node,
    text_of,
)
from runner.description.model.legacy import Drivers, Strip
from runner.description.model.packages import PackageSection, read_packages
from runner.description.model.preferences import Preferences, read_preferences
from runner.description.model.preload import Containers
from runner.description.model.profiles import Profile, read_profiles
from runner.description.model.read import read_all
from runner.description.model.repositories import Repository, read_repositories
from runner.description.model.users import UserSection, read_users

if TYPE_CHECKING:
    from lxml.etree import _Element


class Identity(Element, frozen=True, kw_only=True):
    """Who the image is: attributes of ``<image>`` and the texts of ``<description>``."""

    name: str
    displayname: str = ""
    id: str = ""
    kind: str = "system"
    author: str = ""
    contact: tuple[str, ...] = ()
    specification: str = ""
    license: str = ""


class Description(Element, frozen=True, kw_only=True):
    """A description after upgrade and validation.

    Attributes:
        directory: its folder on this machine.
        kiwi_file: path of its main file relative to ``directory``.
        digest: SHA-256 over all files of ``directory``, see :func:`runner.description.folder.digest`.
        schemaversion: as written, before the upgrade.
        text: the main file after the upgrade, as XML.
        containers: registry containers the image brings along.
        others: all root-level elements that are not read by a module of their own, whole.
    """

    directory: Path
    kiwi_file: str
    digest: str
    schemaversion: str
    text: str
    image: Identity
    profiles: tuple[Profile, ...] = ()
    preferences: tuple[Preferences, ...] = ()
    users: tuple[UserSection, ...] = ()
    repositories: tuple[Repository, ...] = ()
    packages: tuple[PackageSection, ...] = ()
    certificates: tuple[Certificates, ...] = ()
    containers: tuple[Containers, ...] = ()
    drivers: tuple[Drivers, ...] = ()
    strips: tuple[Strip, ...] = ()
    others: tuple[Node, ...] = ()


_TYPED = frozenset({"description", "profiles", "preferences", "users", "repository", "packages"})


def read_description(
    root: _Element, *, directory: Path, kiwi_file: str, digest: str, schemaversion: str, text: str = ""
) -> Description:
    """Turn a valid tree (newest schema) into the typed model."""
    return Description(
        at=location_of(root),
        directory=directory,
        kiwi_file=kiwi_file,
        digest=digest,
        schemaversion=schemaversion,
        text=text,
        image=_identity(root),
        profiles=read_profiles(root),
        preferences=read_preferences(root),
        users=read_users(root),
        repositories=read_repositories(root),
        packages=read_packages(root),
        certificates=read_all(Certificates, root),
        containers=read_all(Containers, root),
        drivers=read_all(Drivers, root),
        strips=read_all(Strip, root),
        others=tuple(read_node(entry) for entry in children(root) if entry.tag not in _TYPED),
    )


def _identity(root: _Element) -> Identity:
    about = child(root, "description")
    return Identity(
        at=location_of(root),
        name=attribute(root, "name"),
        displayname=attribute(root, "displayname"),
        id=attribute(root, "id"),
        kind="system" if about is None else attribute(about, "type"),
        author="" if about is None else child_text(about, "author"),
        contact=() if about is None else tuple(text_of(entry) for entry in children(about, "contact")),
        specification="" if about is None else child_text(about, "specification"),
        license="" if about is None else child_text(about, "license"),
    )
