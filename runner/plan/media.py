# SPDX-License-Identifier: Apache-2.0
"""Plan media: ISO filesystems, live systems, and what machines boot from the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from runner.description.model.types import ImageType
    from runner.plan.oem import InstallPlan

_VOLUME_IDS = {"iso": "CDROM", "oem": "INSTALL"}
"""Boot code searches for the label, so a live system and an installer must not share it."""

_NETBOOT = frozenset({"kis", "pxe"})


class MediaPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What an ISO filesystem says about itself.

    Attributes:
        application_id: empty for one that is derived from the image's seed.
        mediacheck: a checksum is laid into the medium, and a menu entry that compares it.
        efi_image_mib: size of the FAT filesystem that EFI firmware starts from.
    """

    volume_id: str
    publisher: str = "SUSE LINUX GmbH"
    application_id: str = ""
    mediacheck: bool = False
    efi_image_mib: int = 20


class LivePlan(msgspec.Struct, frozen=True, kw_only=True):
    """How a live system mounts itself.

    Attributes:
        module: ``overlay`` (a module of KIWI's) or ``dmsquash`` (one that dracut itself has).
        filesystem: of the root inside the medium; empty is ext4 inside squashfs.
        persistent: writes are kept on the medium, in a filesystem of the kind ``persistent_filesystem``.
        ram_only: writes go to memory.
    """

    module: str = "overlay"
    filesystem: str = ""
    persistent: bool = False
    persistent_filesystem: str = "ext4"
    ram_only: bool = False


class NetbootPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Kernel, initrd and root filesystem in files of their own.

    ``compressed``: the root filesystem is; ``archive``: all are packed into one tarball.
    """

    compressed: bool = False
    archive: bool = True


def plan_media(entry: ImageType, install: InstallPlan | None) -> MediaPlan | None:
    """Plan the ISO that ``entry`` is or brings along."""
    if entry.image != "iso" and not (install and install.iso):
        return None
    said, usual = entry.media, MediaPlan(volume_id=_VOLUME_IDS.get(entry.image, "INSTALL"))
    return MediaPlan(
        volume_id=said.volid or usual.volume_id,
        publisher=said.publisher or usual.publisher,
        application_id=said.application_id,
        mediacheck=said.mediacheck or False,
        efi_image_mib=said.efifatimagesize or usual.efi_image_mib,
    )


def plan_live(entry: ImageType) -> LivePlan | None:
    """Plan the live system of an ISO, or the overlay of a network-booted one."""
    if entry.image not in {"iso", "pxe"}:
        return None
    said = entry.live
    return LivePlan(
        module=said.flags or "overlay",
        filesystem=entry.filesystem.filesystem,
        persistent=said.hybridpersistent or False,
        persistent_filesystem=said.hybridpersistent_filesystem or "ext4",
        ram_only=said.ramonly or False,
    )


def plan_netboot(entry: ImageType) -> NetbootPlan | None:
    if entry.image not in _NETBOOT:
        return None
    said = entry.formats
    return NetbootPlan(compressed=said.compressed or False, archive=said.archive is not False)
