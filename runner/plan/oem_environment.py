# SPDX-License-Identifier: Apache-2.0
"""The ``kiwi_oem*`` variables: what the first boot and the installer are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.plan.volumes import DEFAULT_SWAP_MIB

if TYPE_CHECKING:
    from runner.description.model.oem import OemConfig

_FLAGS = {
    "kiwi_oembootwait": "bootwait",
    "kiwi_oemkboot": "kiwi_initrd",
    "kiwi_oemmultipath_scan": "multipath_scan",
    "kiwi_oempartition_install": "partition_install",
    "kiwi_oemreboot": "reboot",
    "kiwi_oemrebootinteractive": "reboot_interactive",
    "kiwi_oemrecovery": "recovery",
    "kiwi_oemrecoveryInPlace": "inplace_recovery",
    "kiwi_oemresizeonce": "resize_once",
    "kiwi_oemshutdown": "shutdown",
    "kiwi_oemshutdowninteractive": "shutdown_interactive",
    "kiwi_oemsilentboot": "silent_boot",
    "kiwi_oemsilentinstall": "silent_install",
    "kiwi_oemsilentverify": "silent_verify",
    "kiwi_oemskipverify": "skip_verify",
    "kiwi_oemunattended": "unattended",
}

_VALUES = {
    "kiwi_oemdevicefilter": "device_filter",
    "kiwi_oemnicfilter": "nic_filter",
    "kiwi_oemramdisksize": "ramdisk_size",
    "kiwi_oemrecoveryID": "recovery_id",
    "kiwi_oemrecoveryPartSize": "recovery_part_size",
    "kiwi_oemrootMB": "systemsize",
    "kiwi_oemtitle": "boot_title",
    "kiwi_oemunattended_id": "unattended_id",
    "kiwi_oemvmcp_parmfile": "vmcp_parmfile",
}
"""Variable to field of :class:`~runner.description.model.oem.OemConfig`."""


def oem_environment(config: OemConfig | None) -> dict[str, str]:
    """Return the variables of ``config``, none without one. Sizes are in MiB."""
    if config is None:
        return {}
    swap_mib = DEFAULT_SWAP_MIB if config.swapsize is None else config.swapsize
    return {
        **{name: _text(getattr(config, field)) for name, field in (_FLAGS | _VALUES).items()},
        "kiwi_oemswap": _text(config.swap or False),
        "kiwi_oemswapMB": _text(swap_mib) if config.swap else "",
    }


def _text(value: bool | int | str | None) -> str:  # noqa: FBT001  # it is the value itself
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
