# SPDX-License-Identifier: Apache-2.0
"""The ``kiwi_oem*`` variables: what the first boot and the installer are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.model.element import flag

if TYPE_CHECKING:
    from runner.description.model.types import ImageType

_FLAGS = {
    "kiwi_oembootwait": "oem-bootwait",
    "kiwi_oemkboot": "oem-kiwi-initrd",
    "kiwi_oemmultipath_scan": "oem-multipath-scan",
    "kiwi_oempartition_install": "oem-partition-install",
    "kiwi_oemreboot": "oem-reboot",
    "kiwi_oemrebootinteractive": "oem-reboot-interactive",
    "kiwi_oemrecovery": "oem-recovery",
    "kiwi_oemrecoveryInPlace": "oem-inplace-recovery",
    "kiwi_oemresizeonce": "oem-resize-once",
    "kiwi_oemshutdown": "oem-shutdown",
    "kiwi_oemshutdowninteractive": "oem-shutdown-interactive",
    "kiwi_oemsilentboot": "oem-silent-boot",
    "kiwi_oemsilentinstall": "oem-silent-install",
    "kiwi_oemsilentverify": "oem-silent-verify",
    "kiwi_oemskipverify": "oem-skip-verify",
    "kiwi_oemunattended": "oem-unattended",
}

_TEXTS = {
    "kiwi_oemdevicefilter": "oem-device-filter",
    "kiwi_oemnicfilter": "oem-nic-filter",
    "kiwi_oemramdisksize": "oem-ramdisk-size",
    "kiwi_oemrecoveryID": "oem-recoveryID",
    "kiwi_oemrecoveryPartSize": "oem-recovery-part-size",
    "kiwi_oemrootMB": "oem-systemsize",
    "kiwi_oemtitle": "oem-boot-title",
    "kiwi_oemunattended_id": "oem-unattended-id",
    "kiwi_oemvmcp_parmfile": "oem-vmcp-parmfile",
}

_SWAP_MEBIBYTES = "128"


def oem_environment(image_type: ImageType) -> dict[str, str]:
    """Return the variables of the type's ``<oemconfig>``, none without one. Sizes are in MiB."""
    config = image_type.child("oemconfig")
    if config is None:
        return {}
    said = {node.name: node.text for node in config.children}
    swap = flag(said.get("oem-swap")) or False
    return {
        **{name: _boolean(said.get(element)) for name, element in _FLAGS.items()},
        **{name: said.get(element, "") for name, element in _TEXTS.items()},
        "kiwi_oemswap": "true" if swap else "false",
        "kiwi_oemswapMB": (said.get("oem-swapsize") or _SWAP_MEBIBYTES) if swap else "",
    }


def _boolean(text: str | None) -> str:
    value = flag(text)
    return "" if value is None else str(value).lower()
