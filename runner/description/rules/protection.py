# SPDX-License-Identifier: Apache-2.0
"""Rules about encryption and integrity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule

if TYPE_CHECKING:
    from runner.description.rules.rule import Found, Subject

_SPECIAL = ("file:", "random")


def _luks_asked(subject: Subject) -> Found:
    """Settings of an encryption that is not there protect nothing."""
    for entry in subject.types:
        said = entry.luks
        extra = [name for name in ("luks_version", "luks_pbkdf") if getattr(said, name)]
        if said.luks is None and (extra or said.preset or said.luks_randomize is not None):
            yield "settings of LUKS are there, and luks itself is not", entry.at
        elif said.luks is None and entry.luks_format is not None:
            yield "<luksformat> is there, and luks itself is not", entry.luks_format.at


def _luks_options(subject: Subject) -> Found:
    """Options go to cryptsetup, which tells them from values by their dashes."""
    for entry in subject.types:
        for option in entry.luks_format.options if entry.luks_format else ():
            if not option.name.startswith("--") or any(sign in option.name for sign in " =\t"):
                yield f"{option.name} is no option of cryptsetup", option.at


def _luks_passphrase(subject: Subject) -> Found:
    """Whoever reads the description reads the passphrase."""
    for entry in subject.types:
        if entry.luks.luks and not entry.luks.luks.startswith(_SPECIAL):
            yield "the passphrase of the disk stands in the description", entry.at


def _passphrase_on_disk(subject: Subject) -> Found:
    """A passphrase beside the encrypted disk opens it for everybody."""
    for entry in subject.types:
        if entry.bootloader and entry.bootloader.use_disk_password:
            yield "the passphrase is written into the bootloader's configuration", entry.bootloader.at


def _verity_metadata(subject: Subject) -> Found:
    """The metadata describes a hash tree."""
    for entry in subject.types:
        if entry.verity.embed_verity_metadata and not entry.verity.verity_blocks:
            yield "embed_verity_metadata needs verity_blocks", entry.at


def _integrity_layer(subject: Subject) -> Found:
    """The metadata and keys are those of an integrity layer."""
    for entry in subject.types:
        said = entry.integrity
        named = said.integrity_keyfile or said.integrity_metadata_key_description
        if (
            named or said.embed_integrity_metadata or said.integrity_legacy_hmac
        ) and not said.standalone_integrity:
            yield "settings of dm-integrity are there, and standalone_integrity is not", entry.at


def _verity_filesystem(subject: Subject) -> Found:
    """A hash tree holds for a filesystem that nobody writes to."""
    for entry in subject.types:
        filesystem = entry.filesystem.filesystem
        if entry.verity.verity_blocks and entry.oem and entry.oem.resize and filesystem != "squashfs":
            yield "a root that grows at boot does not fit its verity hashes", entry.at


RULES = (
    Rule("luks_asked_for", "warning", "add luks, or remove the settings", _luks_asked),
    Rule("luksformat_options_valid", "error", "write --name, and the value in value", _luks_options),
    Rule("luks_passphrase_plain", "warning", 'use luks="file://…" or "random"', _luks_passphrase),
    Rule("disk_password_stored", "warning", "leave use_disk_password out", _passphrase_on_disk),
    Rule("verity_metadata_needs_blocks", "error", 'add verity_blocks="all"', _verity_metadata),
    Rule("integrity_asked_for", "error", "add standalone_integrity, or remove the settings", _integrity_layer),
    Rule("verity_root_static", "warning", "set <oem-resize>false</oem-resize>", _verity_filesystem),
)
