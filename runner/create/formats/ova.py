# SPDX-License-Identifier: Apache-2.0
"""``ova``: a virtual machine in one file, ``N.ova``, for VMware, VirtualBox and whatever else reads OVF packages.

It is an archive of the descriptor, a manifest with the digests of both other files, and the disk, in this order
(DSP0243 1.1, 5.3). We write the descriptor ourselves; VMware's ovftool is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.formats import vmdk
from runner.create.formats.api import described
from runner.create.formats.archive import pack
from runner.create.formats.hardware import Hardware
from runner.create.formats.ovf import Appliance, descriptor
from runner.digest import sha256_bytes, sha256_file

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.formats.api import Disk
    from runner.create.image import ResultFile

MEDIA_TYPE = "application/ovf"


def convert(disk: Disk) -> tuple[ResultFile, ...]:
    """Write ``N.ova``; see :class:`runner.create.formats.api.Convert`."""
    stem = disk.inputs.stem
    image = disk.scratch / f"{stem}.vmdk"
    vmdk.write(disk, image, (*disk.plan.options, vmdk.STREAM))
    hardware = Hardware.of(disk.inputs)
    text = descriptor(appliance(disk, hardware, image, family=f"vmx-{int(hardware.plan.hardware_version):02}"))
    digests = {f"{stem}.ovf": sha256_bytes(text), image.name: sha256_file(image)}
    manifest = "".join(f"SHA256({name})= {digest}\n" for name, digest in digests.items())
    path = disk.path("ova")
    with path.open("xb") as file:
        pack(file, {f"{stem}.ovf": text, f"{stem}.mf": manifest.encode(), image.name: image}, disk.inputs.epoch)
    return (described(path, MEDIA_TYPE),)


def appliance(disk: Disk, hardware: Hardware, image: Path, *, family: str) -> Appliance:
    """Describe the machine ``hardware`` of the given ``family`` whose disk was written as ``image``."""
    return Appliance(
        hardware=hardware,
        name=disk.inputs.title,
        about=disk.inputs.about,
        arch=disk.inputs.arch,
        family=family,
        disk_file=image.name,
        disk_bytes=image.stat().st_size,
        capacity=disk.raw.stat().st_size,
    )
