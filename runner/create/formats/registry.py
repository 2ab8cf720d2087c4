# SPDX-License-Identifier: Apache-2.0
"""Which module writes which disk format: a new format is one module and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.formats import gce, ova, qcow2, qemu, raw, vagrant, vdi, vhd, vhdx, vmdk, wrap
from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.create.formats.api import Convert

FORMATS: Mapping[str, Convert] = {
    "": raw.convert,
    "gce": gce.convert,
    "ova": ova.convert,
    "qcow2": qcow2.convert,
    "vagrant": vagrant.convert,
    "vdi": vdi.convert,
    "vhd": vhd.convert,
    "vhd-fixed": vhd.convert_fixed,
    "vhdx": vhdx.convert,
    "vmdk": vmdk.convert,
}
"""KIWI's name of a format to what writes it. What a plan may ask for is in ``runner.plan.disk_support``."""

TOOLS = tuple(sorted({*qemu.TOOLS, *gce.TOOLS, *vagrant.TOOLS, *wrap.TOOLS}))
"""The programs that write all of them, containers around them included."""


def format_for(name: str) -> Convert:
    """Return what writes the format ``name``.

    Raises:
        BuildError: nothing does.
    """
    try:
        return FORMATS[name]
    except KeyError:
        known = ", ".join(sorted(filter(None, FORMATS)))
        raise BuildError(f"the disk format {name} cannot be written yet", hint=f"formats: {known}") from None
