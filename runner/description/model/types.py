# SPDX-License-Identifier: Apache-2.0
"""``<type>``: one buildable result, with its attributes as written and its typed children."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.model.boot import BootAttributes, Bootloader
from runner.description.model.containers import ContainerConfig, read_container
from runner.description.model.element import (
    Element,
    Node,
    attribute,
    children,
    flag,
    location_of,
    read_node,
)
from runner.description.model.filesystem import FilesystemAttributes
from runner.description.model.formats import ContainerAttributes, FormatAttributes
from runner.description.model.initrd import Initrd, InitrdAttributes
from runner.description.model.install import InstallAttributes, InstallMedia, LiveAttributes, MediaAttributes
from runner.description.model.machine import Machine, VagrantConfig
from runner.description.model.oem import OemConfig
from runner.description.model.protection import (
    IntegrityAttributes,
    LuksAttributes,
    LuksFormat,
    OverlayAttributes,
    VerityAttributes,
)
from runner.description.model.read import read_all, read_first, view
from runner.description.model.storage import DiskAttributes, Partitions, Size, SpareAttributes, SystemDisk

if TYPE_CHECKING:
    from lxml.etree import _Element

GROUPS = (
    BootAttributes,
    ContainerAttributes,
    DiskAttributes,
    FilesystemAttributes,
    FormatAttributes,
    InitrdAttributes,
    InstallAttributes,
    IntegrityAttributes,
    LiveAttributes,
    LuksAttributes,
    MediaAttributes,
    OverlayAttributes,
    SpareAttributes,
    VerityAttributes,
)
"""What the attributes of a type, apart from ``image`` and ``primary``, are about."""


class ImageType(Element, frozen=True, kw_only=True):
    """One result. ``attributes`` are all as written, a passphrase among them; groups of them come typed."""

    image: str
    primary: bool = False
    attributes: dict[str, str] = {}  # noqa: RUF012 - msgspec copies it
    size: Size | None = None
    container: ContainerConfig | None = None
    bootloader: Bootloader | None = None
    initrd: tuple[Initrd, ...] = ()
    install_media: InstallMedia | None = None
    luks_format: LuksFormat | None = None
    machine: Machine | None = None
    oem: OemConfig | None = None
    partitions: Partitions | None = None
    system_disk: SystemDisk | None = None
    vagrant: tuple[VagrantConfig, ...] = ()
    children: tuple[Node, ...] = ()

    """All child elements once more, whole, for who goes over them without knowing each."""

    def __repr__(self) -> str:
        return f"ImageType({self.image!r} at {self.at})"

    __str__ = __repr__

    def get(self, name: str, default: str = "") -> str:
        """Return the attribute ``name`` trimmed, or ``default`` when absent or empty."""
        return self.attributes.get(name, "").strip() or default

    def flag(self, name: str, *, default: bool) -> bool:
        """Return the boolean attribute ``name``."""
        value = flag(self.attributes.get(name))
        return default if value is None else value

    def child(self, name: str) -> Node | None:
        """Return the first child called ``name``, whole."""
        return next((node for node in self.children if node.name == name), None)

    @property
    def boot(self) -> BootAttributes:
        return view(BootAttributes, self.attributes)

    @property
    def filesystem(self) -> FilesystemAttributes:
        return view(FilesystemAttributes, self.attributes)

    @property
    def disk(self) -> DiskAttributes:
        return view(DiskAttributes, self.attributes)

    @property
    def spare(self) -> SpareAttributes:
        return view(SpareAttributes, self.attributes)

    @property
    def initrd_system(self) -> InitrdAttributes:
        return view(InitrdAttributes, self.attributes)

    @property
    def install(self) -> InstallAttributes:
        return view(InstallAttributes, self.attributes)

    @property
    def media(self) -> MediaAttributes:
        return view(MediaAttributes, self.attributes)

    @property
    def live(self) -> LiveAttributes:
        return view(LiveAttributes, self.attributes)

    @property
    def luks(self) -> LuksAttributes:
        return view(LuksAttributes, self.attributes)

    @property
    def verity(self) -> VerityAttributes:
        return view(VerityAttributes, self.attributes)

    @property
    def integrity(self) -> IntegrityAttributes:
        return view(IntegrityAttributes, self.attributes)

    @property
    def overlay(self) -> OverlayAttributes:
        return view(OverlayAttributes, self.attributes)

    @property
    def formats(self) -> FormatAttributes:
        return view(FormatAttributes, self.attributes)

    @property
    def containers(self) -> ContainerAttributes:
        return view(ContainerAttributes, self.attributes)


def read_types(preferences: _Element) -> tuple[ImageType, ...]:
    return tuple(_type(element) for element in children(preferences, "type"))


def _type(element: _Element) -> ImageType:
    return ImageType(
        at=location_of(element),
        image=attribute(element, "image"),
        primary=flag(element.get("primary")) or False,
        attributes={str(name): str(value) for name, value in element.attrib.items()},
        size=read_first(Size, element),
        container=read_container(element),
        bootloader=read_first(Bootloader, element),
        initrd=read_all(Initrd, element),
        install_media=read_first(InstallMedia, element),
        luks_format=read_first(LuksFormat, element),
        machine=read_first(Machine, element),
        oem=read_first(OemConfig, element),
        partitions=read_first(Partitions, element),
        system_disk=read_first(SystemDisk, element),
        vagrant=read_all(VagrantConfig, element),
        children=tuple(read_node(entry) for entry in children(element)),
    )
