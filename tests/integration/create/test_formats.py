# SPDX-License-Identifier: Apache-2.0
"""Every disk format: equal disks give equal files, and what comes out of them again is the disk."""

from __future__ import annotations

import io
import json
import random
import re
import shutil
import subprocess
import tarfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from lxml import etree

from runner.create.formats.convert import convert
from runner.create.formats.ovf import guest_of
from runner.create.formats.registry import FORMATS
from runner.digest import sha256_bytes
from runner.errors import BuildError
from runner.plan.boot import BootPlan
from runner.plan.disk_support import FORMATS as PLANNED
from runner.plan.formats import DiskFormatPlan
from runner.plan.machine import DrivePlan, MachinePlan, NetworkCardPlan, VagrantPlan
from tests.integration.create.trees import STEM, inputs

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 37 << 20  # no whole number of cylinders
GIB = 1 << 30
TAG = "01234567-89ab-cdef-0123-456789abcdef"
MACHINE = MachinePlan(
    memory_mib=2048,
    cpus=3,
    hardware_version="14",
    guest_os="debian12-64",
    entries=('tools.syncTime = "TRUE"',),
    disk=DrivePlan(controller="pvscsi"),
    dvd=DrivePlan(controller="ide", id=1),
    network=(NetworkCardPlan(interface="eth0", driver="vmxnet3", mode="bridged", mac="00:50:56:00:00:01"),),
)


@dataclass(frozen=True)
class Case:
    """One way to ask for a format, and where in the result which kind of disk is: none means the result itself."""

    plan: DiskFormatPlan
    ending: str
    kind: str
    inside: str = ""
    provider: str = ""
    size: int = SIZE
    extra: str = ""


def case(name: str, ending: str, kind: str, *options: str, wrapper: str = "", **more: Any) -> Case:
    return Case(DiskFormatPlan(name=name, wrapper=wrapper, options=options), ending, kind, **more)


BOXES = {
    "vagrant-libvirt": case("vagrant", "vagrant.libvirt.box", "qcow2", inside="box.img", provider="libvirt"),
    "vagrant-virtualbox": case(
        "vagrant", "vagrant.virtualbox.box", "vmdk", inside="box.vmdk", provider="virtualbox", size=GIB
    ),
}
CASES = {
    "raw": case("", "raw", "raw"),
    "gce": case("gce", "tar.gz", "raw", inside="disk.raw"),
    "ova": case("ova", "ova", "vmdk", inside=f"{STEM}.vmdk"),
    "ova-lsilogic": case("ova", "ova", "vmdk", "adapter_type=lsilogic", inside=f"{STEM}.vmdk"),
    "qcow2": case("qcow2", "qcow2", "qcow2"),
    "qcow2-old": case("qcow2", "qcow2", "qcow2", "compat=0.10"),
    "qcow2-preallocated": case("qcow2", "qcow2", "qcow2", "preallocation=metadata"),
    "vdi": case("vdi", "vdi", "vdi"),
    "vdi-static": case("vdi", "vdi", "vdi", "static=on"),
    "vhd": case("vhd", "vhd", "vpc"),
    "vhd-fixed": case("vhd-fixed", "vhdfixed", "vpc"),
    "vhdx": case("vhdx", "vhdx", "vhdx"),
    "vhdx-blocks": case("vhdx", "vhdx", "vhdx", "block_size=1M"),
    "vmdk": case("vmdk", "vmdk", "vmdk", extra="vmx"),
    "vmdk-stream": case("vmdk", "vmdk", "vmdk", "subformat=streamOptimized", extra="vmx"),
    "oci-qcow2": case("qcow2", "oci.tar.xz", "qcow2", wrapper="oci", inside=f"disk/{STEM}.qcow2"),
    "docker-raw": case("", "docker.tar.xz", "raw", wrapper="docker", inside=f"disk/{STEM}.raw"),
    **BOXES,
}
NAMES = sorted(CASES)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Data, holes and zeros that are no holes."""
    path = tmp_path / "disk"
    noise = random.Random(7)  # noqa: S311 - not a secret
    with path.open("xb") as file:
        file.truncate(SIZE)
        for place in (0, 1 << 20, 5 << 20, SIZE - 4096):
            file.seek(place)
            file.write(noise.randbytes(4096))
        file.seek(9 << 20)
        file.write(bytes(1 << 20))
    return path


def converted(disk: Path, folder: Path, plan: DiskFormatPlan, **settings: Any) -> dict[str, bytes]:
    """Convert a copy of ``disk``; ``settings`` are further ones of the type's plan."""
    folder.mkdir()
    raw = folder / f"{STEM}.raw"
    shutil.copyfile(disk, raw)
    given = inputs("ext4")
    own = settings.pop("vagrantfile", b"")
    kind = msgspec.structs.replace(given.type, disk_format=plan, **settings)
    given = msgspec.structs.replace(given, type=kind, vagrantfile=own)
    files = convert(given, raw)
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(found) == sorted(file.name for file in files)
    assert [file.size for file in files] == [len(found[file.name]) for file in files]
    return found


def of_case(disk: Path, folder: Path, asked: Case) -> dict[str, bytes]:
    box = VagrantPlan(provider=asked.provider, virtual_size_gb=1) if asked.provider else None
    return converted(disk, folder, asked.plan, vagrant=box)


def unpacked(archive: bytes, name: str) -> bytes:
    """Return the content of ``name`` in the archive, or in an archive in it."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if stream is None:
                continue
            content = stream.read()
            if member.name == name:
                return content
            if content[257:262] == b"ustar":
                return unpacked(content, name)
    raise AssertionError(name)


def test_what_a_plan_may_ask_for_is_what_can_be_written() -> None:
    assert set(PLANNED) == set(FORMATS) == {entry.plan.name for entry in CASES.values()}


@pytest.mark.parametrize("name", NAMES)
def test_equal_disks_give_equal_files(name: str, disk: Path, tmp_path: Path) -> None:
    first = of_case(disk, tmp_path / "first", CASES[name])
    time.sleep(1.1)
    copy = tmp_path / "copy"
    copy.write_bytes(disk.read_bytes())  # without holes
    assert of_case(copy, tmp_path / "second", CASES[name]) == first


@pytest.mark.parametrize("name", NAMES)
def test_the_disk_comes_out_again(name: str, disk: Path, tmp_path: Path) -> None:
    asked = CASES[name]
    found = of_case(disk, tmp_path / "out", asked)
    assert set(found) == {f"{STEM}.{ending}" for ending in (asked.ending, asked.extra) if ending}
    content = found[f"{STEM}.{asked.ending}"]
    path = tmp_path / "written"
    path.write_bytes(unpacked(content, asked.inside) if asked.inside else content)
    # Without force_size a VHD's geometry would count, which can be smaller than the disk.
    options = f"driver={asked.kind},file.filename={path}" + (
        ",force_size_calc=current_size" * (asked.kind == "vpc")
    )
    compare = ["qemu-img", "compare", "--image-opts", options, f"driver=raw,file.filename={disk}"]
    done = subprocess.run(compare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    asked_size = ["qemu-img", "info", "--output=json", "--image-opts", options]
    info = json.loads(subprocess.run(asked_size, check=True, capture_output=True).stdout)
    assert info["virtual-size"] == asked.size
    if asked.kind not in {"raw", "vpc"}:  # of these qemu-img knows no check
        subprocess.run(["qemu-img", "check", "-f", asked.kind, path], check=True, capture_output=True)


OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
RASD = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
VMW = "{http://www.vmware.com/schema/ovf}"


def items(top: Any) -> dict[str, dict[str, str]]:
    """The virtual hardware, by kind of resource."""
    found = [{field.tag.removeprefix(RASD): field.text for field in item} for item in top.iter(f"{OVF}Item")]
    assert all(list(item) == sorted(item) for item in found)  # as CIM's schema orders them
    numbers = [item["InstanceID"] for item in found]
    assert len(set(numbers)) == len(numbers)
    assert all(item.get("Parent", "1") in numbers for item in found)
    return {item["ResourceType"]: item for item in found}


def test_an_ova_is_what_its_readers_check(disk: Path, tmp_path: Path) -> None:
    found = converted(disk, tmp_path / "out", CASES["ova"].plan, machine=MACHINE)
    (archive,) = found.values()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = tar.getmembers()
        assert [member.name for member in members] == [f"{STEM}.ovf", f"{STEM}.mf", f"{STEM}.vmdk"]
        assert not any(member.pax_headers for member in members)  # plain ustar
        content = [tar.extractfile(member).read() for member in members]  # type: ignore[union-attr]
    assert content[1].decode().splitlines() == [
        f"SHA256({members[place].name})= {sha256_bytes(content[place])}" for place in (0, 2)
    ]
    top = etree.fromstring(content[0])
    (file,), (image,) = top.iter(f"{OVF}File"), top.iter(f"{OVF}Disk")
    assert file.get(f"{OVF}href") == members[2].name
    assert file.get(f"{OVF}size") == str(len(content[2]))
    assert image.get(f"{OVF}fileRef") == file.get(f"{OVF}id")
    assert (image.get(f"{OVF}capacity"), image.get(f"{OVF}capacityAllocationUnits")) == (str(SIZE), "byte")
    assert str(image.get(f"{OVF}format")).endswith("#streamOptimized")
    assert b'createType="streamOptimized"' in content[2]
    hardware = items(top)
    assert hardware["17"]["HostResource"] == f"ovf:/disk/{image.get(f'{OVF}diskId')}"
    assert hardware["17"]["Parent"] == hardware["6"]["InstanceID"]


def test_the_settings_of_a_machine_land_in_its_ovf(disk: Path, tmp_path: Path) -> None:
    (archive,) = converted(disk, tmp_path / "out", CASES["ova"].plan, machine=MACHINE).values()
    top = etree.fromstring(unpacked(archive, f"{STEM}.ovf"))
    hardware = items(top)
    assert (hardware["3"]["VirtualQuantity"], hardware["4"]["VirtualQuantity"]) == ("3", "2048")
    assert hardware["4"]["AllocationUnits"] == "byte * 2^20"
    assert hardware["6"]["ResourceSubType"] == "VirtualSCSI"
    assert (hardware["5"]["Address"], hardware["15"]["Parent"]) == ("1", hardware["5"]["InstanceID"])
    card = hardware["10"]
    assert (card["ResourceSubType"], card["Address"]) == ("VmxNet3", "00:50:56:00:00:01")
    (network,) = top.iter(f"{OVF}Network")
    assert card["Connection"] == network.get(f"{OVF}name") == "bridged"
    (guest,) = top.iter(f"{OVF}OperatingSystemSection")
    assert (guest.get(f"{OVF}id"), guest.get(f"{VMW}osType")) == ("101", "debian12_64Guest")
    (kind,) = (field.text for field in top.iter() if str(field.tag).endswith("}VirtualSystemType"))
    assert kind == "vmx-14"
    (extra,) = top.iter(f"{VMW}ExtraConfig")
    assert (extra.get(f"{VMW}key"), extra.get(f"{VMW}value")) == ("tools.syncTime", "TRUE")


@pytest.mark.parametrize(("name", "guest"), [("suse-64", "suse64Guest"), ("sles", "slesGuest")])
def test_names_of_systems(name: str, guest: str) -> None:
    assert guest_of(name) == guest_of(guest) == guest


def box(disk: Path, folder: Path, plan: VagrantPlan, **settings: Any) -> dict[str, bytes]:
    """Return the small members of a box."""
    (archive,) = converted(disk, folder, DiskFormatPlan(name="vagrant"), vagrant=plan, **settings).values()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert tar.getnames()[:2] == ["metadata.json", "Vagrantfile"]
        return {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]


def test_a_libvirt_box(disk: Path, tmp_path: Path) -> None:
    plan = VagrantPlan(provider="libvirt", virtual_size_gb=40, box_name="garden")
    found = box(disk, tmp_path / "out", plan, machine=MACHINE)
    assert set(found) == {"metadata.json", "Vagrantfile", "box.img"}
    said = {"provider": "libvirt", "format": "qcow2", "virtual_size": 40, "name": "garden"}
    assert json.loads(found["metadata.json"]) == said
    assert found["Vagrantfile"].decode() == (
        'Vagrant.configure("2") do |config|\n'
        '  config.vm.synced_folder ".", "/vagrant", type: "rsync"\n'
        "  config.vm.provider :libvirt do |machine|\n"
        "    machine.memory = 2048\n"
        "    machine.cpus = 3\n"
        "  end\n"
        "end\n"
    )


@pytest.mark.parametrize("additions", [False, True])
def test_a_virtualbox_box(disk: Path, tmp_path: Path, additions: bool) -> None:  # noqa: FBT001
    plan = VagrantPlan(provider="virtualbox", virtual_size_gb=2, guest_additions=additions)
    efi = BootPlan(firmware="efi")
    found = box(disk, tmp_path / "out", plan, boot=efi)
    assert set(found) == {"metadata.json", "Vagrantfile", "box.ovf", "box.vmdk"}
    assert json.loads(found["metadata.json"]) == {"provider": "virtualbox"}
    text = found["Vagrantfile"].decode()
    assert re.search(r'^  config\.vm\.base_mac = "080027[0-9A-F]{6}"$', text, re.MULTILINE)
    assert ('type: "rsync"' in text) is not additions
    assert 'machine.customize ["modifyvm", :id, "--firmware", "efi"]' in text
    top = etree.fromstring(found["box.ovf"])
    (image,) = top.iter(f"{OVF}Disk")
    assert image.get(f"{OVF}capacity") == str(2 * GIB)
    assert items(top)["10"]["Connection"] == "NAT"


def test_the_disk_of_a_virtualbox_box_has_its_second_table_at_its_end(disk: Path, tmp_path: Path) -> None:
    subprocess.run(["sfdisk", disk], input="label: gpt\n2048 + L", check=True, capture_output=True, text=True)
    plan = VagrantPlan(provider="virtualbox", virtual_size_gb=1)
    image, grown = tmp_path / "box.vmdk", tmp_path / "grown"
    image.write_bytes(box(disk, tmp_path / "out", plan)["box.vmdk"])
    subprocess.run(["qemu-img", "convert", "-O", "raw", image, grown], check=True)
    with grown.open("rb") as stream:
        assert stream.seek(-512, 2) == GIB - 512
        assert stream.read(8) == b"EFI PART"
    found = subprocess.run(["sfdisk", "--verify", grown], check=True, capture_output=True, text=True)
    assert "corrupt" not in found.stdout + found.stderr


def test_a_box_with_a_vagrantfile_of_the_description(disk: Path, tmp_path: Path) -> None:
    plan = VagrantPlan(provider="libvirt", virtual_size_gb=1, vagrantfile="mine")
    assert box(disk, tmp_path / "out", plan, vagrantfile=b"# mine\n")["Vagrantfile"] == b"# mine\n"


def test_a_disk_larger_than_its_box_promises(disk: Path, tmp_path: Path) -> None:
    with disk.open("r+b") as file:
        file.truncate(GIB + 512)
    with pytest.raises(BuildError, match=r'virtualsize="1"') as caught:
        box(disk, tmp_path / "out", VagrantPlan(provider="libvirt", virtual_size_gb=1))
    assert "2 GB" in (caught.value.why or "")


def test_gce_is_an_archive_of_the_disk(disk: Path, tmp_path: Path) -> None:
    converted(disk, tmp_path / "out", DiskFormatPlan(name="gce", gce_license="https://example.org/licence"))
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == f"{STEM}.tar.gz"
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["manifest.json", "disk.raw"]
        said, raw = archive.extractfile("manifest.json"), archive.extractfile("disk.raw")
        assert said is not None
        assert raw is not None
        assert json.load(said) == {"licenses": ["https://example.org/licence"]}
        assert raw.read() == disk.read_bytes()


def test_a_fixed_vhd_has_its_tag(disk: Path, tmp_path: Path) -> None:
    found = converted(disk, tmp_path / "out", DiskFormatPlan(name="vhd-fixed", vhd_fixed_tag=TAG))
    (content,) = found.values()
    plain = disk.read_bytes()
    different = [place for place in range(0, SIZE, 16) if content[place : place + 16] != plain[place : place + 16]]
    assert different == [0x10000]
    assert content[0x10000:0x10010] == bytes.fromhex("67452301ab89efcd0123456789abcdef")


def test_an_unknown_option_is_refused(disk: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="qemu-img"):
        converted(disk, tmp_path / "out", DiskFormatPlan(name="qcow2", options=("colour=blue",)))
