# SPDX-License-Identifier: Apache-2.0
"""Encryption, integrity and read-only roots."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from runner.description.model.read import Attributes, Part


class LuksAttributes(Attributes, frozen=True, kw_only=True):
    """``luks`` may be a passphrase: never print this value, never keep it in a plan. None: no encryption."""

    luks: str | None = None
    luks_version: str = ""
    luks_pbkdf: str = ""
    luks_randomize: bool | None = None
    preset: str = msgspec.field(default="", name="luksOS")

    def __repr__(self) -> str:
        return "LuksAttributes(…)"

    __str__ = __repr__


class LuksOption(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "option"

    name: str = ""
    value: str = ""


class LuksFormat(Part, frozen=True, kw_only=True):
    """``<luksformat>``: options for cryptsetup's luksFormat."""

    TAG: ClassVar[str] = "luksformat"

    options: tuple[LuksOption, ...] = ()


class VerityAttributes(Attributes, frozen=True, kw_only=True):
    verity_blocks: str = ""
    embed_verity_metadata: bool | None = None


class IntegrityAttributes(Attributes, frozen=True, kw_only=True):
    standalone_integrity: bool | None = None
    embed_integrity_metadata: bool | None = None
    integrity_legacy_hmac: bool | None = None
    integrity_keyfile: str = ""
    integrity_metadata_key_description: str = ""


class OverlayAttributes(Attributes, frozen=True, kw_only=True):
    """A read-only root under a writable one. ``overlayroot_readonly_partsize`` is in MiB."""

    overlayroot: bool | None = None
    overlayroot_write_partition: bool | None = None
    overlayroot_readonly_partsize: int | None = None
    overlayroot_readonly_filesystem: str = ""
