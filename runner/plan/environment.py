# SPDX-License-Identifier: Apache-2.0
"""The ``kiwi_*`` variables that scripts read: booleans as ``true`` and ``false``, unset as empty string."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.description.model.description import Description
    from runner.description.model.types import ImageType
    from runner.plan.preferences import Merged
    from runner.plan.select import Selection

_TYPE_TEXTS = {
    "kiwi_bootkernel": "bootkernel",
    "kiwi_bootprofile": "bootprofile",
    "kiwi_cmdline": "kernelcmdline",
    "kiwi_devicepersistency": "devicepersistency",
    "kiwi_firmware": "firmware",
    "kiwi_fsmountoptions": "fsmountoptions",
    "kiwi_hybridpersistent_filesystem": "hybridpersistent_filesystem",
    "kiwi_initrd_system": "initrd_system",
    "kiwi_installboot": "installboot",
    "kiwi_startsector": "disk_start_sector",
    "kiwi_wwid_wait_timeout": "wwid_wait_timeout",
}

_TYPE_FLAGS = {
    "kiwi_btrfs_root_is_snapper_snapshot": "btrfs_root_is_snapper_snapshot",
    "kiwi_btrfs_root_is_snapshot": "btrfs_root_is_snapper_snapshot",
    "kiwi_compressed": "compressed",
    "kiwi_gpt_hybrid_mbr": "gpt_hybrid_mbr",
    "kiwi_hybridpersistent": "hybridpersistent",
    "kiwi_ramonly": "ramonly",
    "kiwi_target_removable": "target_removable",
}

_SECTOR = "512"


def environment(chosen: Selection) -> dict[str, str]:
    """Return all variables of one plan, by name."""
    image_type = chosen.image_type
    values = {
        **_identity(chosen.description, chosen.profiles, chosen.merged.version, image_type.image),
        **_preferences(chosen.merged),
        **{name: image_type.get(attribute) for name, attribute in _TYPE_TEXTS.items()},
        **{name: _flag(image_type, attribute) for name, attribute in _TYPE_FLAGS.items()},
        **_boot(image_type),
        "kiwi_target_blocksize": image_type.get("target_blocksize", _SECTOR),
        "kiwi_luks_empty_passphrase": "true" if image_type.attributes.get("luks") == "" else "false",
    }
    return dict(sorted(values.items()))


def _identity(description: Description, profiles: Sequence[str], version: str, kind: str) -> dict[str, str]:
    image = description.image
    return {
        "kiwi_iname": image.name,
        "kiwi_displayname": image.displayname or image.name,
        "kiwi_iversion": version,
        "kiwi_profiles": ",".join(profiles),
        "kiwi_type": kind,
    }


def _preferences(merged: Merged) -> dict[str, str]:
    return {
        "kiwi_keytable": merged.keytable,
        "kiwi_timezone": merged.timezone,
        "kiwi_language": ",".join(merged.locale),
        "kiwi_splash_theme": merged.bootsplash_theme,
        "kiwi_loader_theme": merged.bootloader_theme,
        "kiwi_showlicense": " ".join(merged.showlicense),
    }


def _boot(image_type: ImageType) -> dict[str, str]:
    """The bootloader's: ``OUT:IN`` for the console, each half ``default`` when not said."""
    node = image_type.child("bootloader")
    said = node.attributes if node else {}
    console = f"{said.get('output_console', 'default')}:{said.get('input_console', 'default')}"
    return {
        "kiwi_bootloader": said.get("name", ""),
        "kiwi_bootloader_console": console,
        "kiwi_boot_timeout": said.get("timeout", ""),
    }


def _flag(image_type: ImageType, name: str) -> str:
    if not image_type.get(name):
        return ""
    return "true" if image_type.flag(name, default=False) else "false"
