# SPDX-License-Identifier: Apache-2.0
"""Plan encryption, integrity and read-only roots. No passphrase is ever kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from runner.description.model.types import ImageType

READ_ONLY = frozenset({"erofs", "squashfs"})
"""Filesystems that nobody can write to once they are made."""

_KEY_FILE = "file://"

Unlock = Literal["passphrase", "keyfile", "random", "empty"]


class LuksPlan(msgspec.Struct, frozen=True, kw_only=True):
    """An encrypted root.

    Attributes:
        unlock: by the passphrase in the description (not kept here), by that in the file ``keyfile``, by a random
            key laid into the initrd, or without a question (an empty passphrase).
        version: luks1, luks2, or ``luks`` for what cryptsetup takes by itself.
        pbkdf: key derivation; empty for cryptsetup's own.
        randomize: random bytes are written to the whole device first.
        preset: options for the cryptsetup of an older system (``sle12``).
        options: name and value of further luksFormat options.
    """

    unlock: Unlock
    keyfile: str = ""
    version: str = "luks"
    pbkdf: str = ""
    randomize: bool = True
    preset: str = ""
    options: tuple[tuple[str, str], ...] = ()


class VerityPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Hashes over the root filesystem. ``blocks`` of 4 KiB are covered; None is all of them."""

    blocks: int | None = None
    embed_metadata: bool = False


class IntegrityPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Checksums below the root filesystem; ``keyfile`` makes them keyed ones."""

    embed_metadata: bool = False
    legacy_hmac: bool = False
    keyfile: str = ""
    metadata_key_description: str = ""


class OverlayRootPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A compressed read-only root under a writable one; its partitions stand in the disk's list."""

    readonly_filesystem: str = "squashfs"
    readonly_size_mib: int | None = None
    write_partition: bool = True


def plan_luks(entry: ImageType) -> LuksPlan | None:
    """Plan the encryption of ``entry``: how it is unlocked, not with what."""
    said = entry.luks
    if said.luks is None:
        return None
    options = entry.luks_format.options if entry.luks_format else ()
    return LuksPlan(
        unlock=_unlock(said.luks),
        keyfile=said.luks.removeprefix(_KEY_FILE) if said.luks.startswith(_KEY_FILE) else "",
        version=said.luks_version or "luks",
        pbkdf=said.luks_pbkdf,
        randomize=said.luks_randomize is not False,
        preset=said.preset,
        options=tuple((option.name, option.value) for option in options),
    )


def _unlock(luks: str) -> Unlock:
    if luks.startswith(_KEY_FILE):
        return "keyfile"
    if not luks:
        return "empty"
    return "random" if luks == "random" else "passphrase"


def plan_verity(entry: ImageType) -> VerityPlan | None:
    said = entry.verity
    if not said.verity_blocks:
        return None
    blocks = int(said.verity_blocks) if said.verity_blocks.isascii() and said.verity_blocks.isdigit() else None
    return VerityPlan(blocks=blocks, embed_metadata=said.embed_verity_metadata or False)


def is_sealed(entry: ImageType) -> bool:
    """Tell whether the root of ``entry`` is as it was built for good: it cannot grow, and nobody writes to it."""
    return entry.filesystem.filesystem in READ_ONLY or bool(entry.verity.verity_blocks)


def plan_integrity(entry: ImageType) -> IntegrityPlan | None:
    said = entry.integrity
    if not said.standalone_integrity:
        return None
    return IntegrityPlan(
        embed_metadata=said.embed_integrity_metadata or False,
        legacy_hmac=said.integrity_legacy_hmac or False,
        keyfile=said.integrity_keyfile,
        metadata_key_description=said.integrity_metadata_key_description,
    )


def plan_overlay_root(entry: ImageType) -> OverlayRootPlan | None:
    said = entry.overlay
    if not said.overlayroot:
        return None
    return OverlayRootPlan(
        readonly_filesystem=said.overlayroot_readonly_filesystem or "squashfs",
        readonly_size_mib=said.overlayroot_readonly_partsize,
        write_partition=said.overlayroot_write_partition is not False,
    )
