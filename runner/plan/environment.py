# SPDX-License-Identifier: Apache-2.0
"""The ``kiwi_*`` variables that scripts read: booleans as ``true`` and ``false``, unset as empty string.

Names and meanings are KIWI's. Those of an installer stand only where there is an ``<oemconfig>``, those of volumes
only where there is a ``<systemdisk>``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.plan.oem_environment import oem_environment
from runner.plan.volume_environment import volume_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.description.model.description import Description
    from runner.description.model.legacy import Drivers, Strip
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
    "kiwi_installboot": "installboot",
    "kiwi_vga": "vga",
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
_START_SECTOR = "2048"
_ALIGNMENT = "1048576"
_DRACUT_TYPES = frozenset({"oem", "iso", "kis"})
_BOOTED_TYPES = frozenset({"oem", "iso"})


def environment(chosen: Selection) -> dict[str, str]:
    """Return all variables of one plan, by name."""
    image_type = chosen.image_type
    values = {
        **_identity(chosen.description, chosen.profiles, chosen.merged.version, image_type.image),
        **_preferences(chosen.merged),
        **{name: image_type.get(attribute) for name, attribute in _TYPE_TEXTS.items()},
        **{name: _flag(image_type, attribute) for name, attribute in _TYPE_FLAGS.items()},
        **_boot(image_type),
        **_labels(image_type),
        **_lists(chosen),
        **oem_environment(image_type.oem),
        **volume_environment(image_type, chosen.machine),
        "kiwi_align": _ALIGNMENT,
        "kiwi_sectorsize": _SECTOR,
        "kiwi_revision": "",
        "kiwi_rootpartuuid": "",
        "kiwi_shasum_suffix": "sha256",
        "kiwi_target_blocksize": image_type.get("target_blocksize", _SECTOR),
        "kiwi_startsector": image_type.get("disk_start_sector", _START_SECTOR),
        "kiwi_luks_empty_passphrase": "true" if image_type.attributes.get("luks") == "" else "false",
    }
    return dict(sorted(values.items()))


def _identity(description: Description, profiles: Sequence[str], version: str, kind: str) -> dict[str, str]:
    image = description.image
    return {
        "kiwi_iname": image.name,
        "kiwi_displayname": image.displayname or image.name,
        "kiwi_iversion": version,
        **({"kiwi_cpio_name": image.name} if kind == "cpio" else {}),
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
    said = image_type.bootloader
    output, input_ = (said.output_console, said.input_console) if said else ("", "")
    return {
        "kiwi_bootloader": (said.name if said else "") or ("grub2" if image_type.image in _BOOTED_TYPES else ""),
        "kiwi_bootloader_console": f"{output or 'default'}:{input_ or 'default'}",
        "kiwi_boot_timeout": "" if said is None or said.timeout is None else str(said.timeout),
        "kiwi_initrd_system": _initrd_system(image_type),
    }


def _initrd_system(image_type: ImageType) -> str:
    """A live ISO is always dracut's, whatever is said."""
    if image_type.image == "iso":
        return "dracut"
    default = {"pxe": "kiwi", **dict.fromkeys(_DRACUT_TYPES, "dracut")}.get(image_type.image, "none")
    return image_type.get("initrd_system", default)


def _labels(image_type: ImageType) -> dict[str, str]:
    """Volume ids of media, by which boot code finds them, and whether this is Xen's first domain."""
    return {
        **({"kiwi_install_volid": image_type.get("volid", "INSTALL")} if image_type.image == "oem" else {}),
        **({"kiwi_live_volid": image_type.get("volid", "CDROM")} if image_type.image == "iso" else {}),
        "kiwi_xendomain": "dom0" if image_type.flag("xen_server", default=False) else "",
    }


def _lists(chosen: Selection) -> dict[str, str]:
    """Packages to delete, drivers to keep, and what to strip, of the sections that count."""
    deleted = [
        entry.name
        for section in chosen.packages
        for entry in section.packages
        if section.kind == "delete" and (not entry.arch or chosen.machine in entry.arch)
    ]
    strips = chosen.description.strips
    return {
        "kiwi_delete": " ".join(sorted(set(deleted))),
        "kiwi_drivers": ",".join(_files(chosen, chosen.description.drivers)),
        **{
            f"kiwi_strip_{kind}": " ".join(_files(chosen, (entry for entry in strips if entry.type == kind)))
            for kind in ("delete", "tools", "libs")
        },
    }


def _files(chosen: Selection, lists: Iterable[Drivers | Strip]) -> list[str]:
    """Return the names in those ``lists`` that count."""
    return [
        file.name
        for entry in lists
        if entry.applies(chosen.profiles, chosen.machine)
        for file in entry.files
        if not file.arch or chosen.machine in file.arch
    ]


def _flag(image_type: ImageType, name: str) -> str:
    if not image_type.get(name):
        return ""
    return "true" if image_type.flag(name, default=False) else "false"
