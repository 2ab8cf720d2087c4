# SPDX-License-Identifier: Apache-2.0
"""Say what a plan asks for that this engine cannot build, element by element.

To support something new, take it out of the table here when its builder is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.plan.model import Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.description.model.packages import PackageSection
    from runner.description.model.repositories import Repository
    from runner.description.model.types import ImageType
    from runner.errors import Location
    from runner.plan.select import Selection

TYPES = frozenset({"docker", "erofs", "ext2", "ext3", "ext4", "oci", "squashfs", "tbz"})
MANAGERS = frozenset({"apt"})
REPOSITORY_KINDS = frozenset({"", "apt-deb"})

TYPE_ATTRIBUTES = {
    "delta_root": "shipping only the difference to a base image is not built yet",
    "derived_from": "building on top of another container image is not built yet",
    "embed_integrity_metadata": "dm-integrity is not built yet",
    "luks": "encryption is not built yet",
    "provide_system_files": "system file manifests are not written yet",
    "require_system_files": "system file manifests are not read yet",
    "standalone_integrity": "dm-integrity is not built yet",
    "verity_blocks": "dm-verity is not built yet",
}
"""Attributes that change what a supported type is; a value of ``false`` asks for nothing."""

ELEMENTS = {
    "certificates": "certificates are not installed yet",
    "containers": "containers are not preloaded yet",
    "extension": "foreign extensions are not read",
    "include": "included descriptions are not read yet",
}
"""Root-level elements without which the image would be another one."""

SCHEMES = {
    "obs:": "Open Build Service sources need a mapping to real addresses",
    "obsrepositories:": "the repositories of a build service project are known only inside that service",
}


def unsupported(chosen: Selection) -> tuple[Unsupported, ...]:
    """List what cannot be built of what was selected, in the order type, manager, repositories, packages, rest."""
    return (
        *_type(chosen.image_type),
        *_manager(chosen),
        *_repositories(chosen.repositories),
        *_packages(chosen.packages, chosen.image_type),
        *_elements(chosen),
    )


def _type(image_type: ImageType) -> Iterator[Unsupported]:
    if image_type.image not in TYPES:
        yield _item(f'type image="{image_type.image}"', image_type.at, "this image type is not built yet")
    for name, why in TYPE_ATTRIBUTES.items():
        if name in image_type.attributes and image_type.get(name) not in {"false", "0"}:
            yield _item(f"type {name}", image_type.at, why)


def _manager(chosen: Selection) -> Iterator[Unsupported]:
    manager = chosen.merged.packagemanager
    if manager not in MANAGERS:
        blocks = [block.at for block in chosen.preferences if block.packagemanager == manager]
        yield _item("packagemanager", (*blocks, chosen.description.at)[0], f"{manager} is not driven yet")


def _repositories(repositories: Sequence[Repository]) -> Iterator[Unsupported]:
    for entry in repositories:
        if entry.kind not in REPOSITORY_KINDS:
            yield _item(f'repository type="{entry.kind}"', entry.at, "this kind of repository is not read yet")
        for scheme, why in SCHEMES.items():
            if entry.path.startswith(scheme):
                yield _item(f'source path="{scheme}…"', entry.at, why)
        if entry.username or entry.password:
            yield _item("repository username", entry.at, "credentials are not read from descriptions")
        if entry.customize:
            yield _item("repository customize", entry.at, "repository files are not customised by scripts")


def _packages(sections: Sequence[PackageSection], image_type: ImageType) -> Iterator[Unsupported]:
    for section in sections:
        if section.kind in {"bootstrap", "image", image_type.image} and section.bootstrap_package:
            yield _item("packages bootstrap_package", section.at, "bootstrap tarballs are not used")


def _elements(chosen: Selection) -> Iterator[Unsupported]:
    for node in chosen.description.others:
        if node.name in ELEMENTS and node.section.applies(chosen.profiles, chosen.machine):
            yield _item(node.name, node.at, ELEMENTS[node.name])


def _item(element: str, at: Location, why: str) -> Unsupported:
    return Unsupported(element=element, where=f"{at.file}:{at.line}" if at.line else str(at.file), why=why)
