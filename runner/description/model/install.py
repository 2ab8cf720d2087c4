# SPDX-License-Identifier: Apache-2.0
"""Media: installers of a disk image, live systems, and what ISO filesystems say about themselves."""

from __future__ import annotations

from typing import ClassVar

from runner.description.model.initrd import Initrd  # noqa: TC001 - the reader looks at the annotation
from runner.description.model.read import Attributes, Part


class InstallAttributes(Attributes, frozen=True, kw_only=True):
    """Which installers are made beside a disk, and their menu."""

    installiso: bool | None = None
    installstick: bool | None = None
    installpxe: bool | None = None
    installboot: str = ""
    installprovidefailsafe: bool | None = None
    install_continue_on_timeout: bool | None = None


class MediaAttributes(Attributes, frozen=True, kw_only=True):
    """Names of an ISO filesystem; ``efifatimagesize`` is in MiB."""

    publisher: str = ""
    volid: str = ""
    application_id: str = ""
    mediacheck: bool | None = None
    efifatimagesize: int | None = None


class LiveAttributes(Attributes, frozen=True, kw_only=True):
    """How a live or network-booted system mounts itself."""

    flags: str = ""
    hybridpersistent: bool | None = None
    hybridpersistent_filesystem: str = ""
    ramonly: bool | None = None


class InstallMedia(Part, frozen=True, kw_only=True):
    """``<installmedia>``: the installer's initrd."""

    TAG: ClassVar[str] = "installmedia"

    initrd: tuple[Initrd, ...] = ()
