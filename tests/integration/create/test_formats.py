# SPDX-License-Identifier: Apache-2.0
"""Every disk format: equal disks give equal files, and what comes out of them again is the disk."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import tarfile
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from runner.create.formats.convert import convert
from runner.create.formats.registry import FORMATS
from runner.errors import BuildError
from runner.plan.disk_support import FORMATS as PLANNED
from runner.plan.formats import DiskFormatPlan
from tests.integration.create.trees import STEM, inputs

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 37 << 20  # no whole number of cylinders
TAG = "01234567-89ab-cdef-0123-456789abcdef"
QEMU = {"qcow2": "qcow2", "vdi": "vdi", "vhd": "vpc", "vhd-fixed": "vpc", "vhdx": "vhdx", "vmdk": "vmdk"}
NAMES = sorted(FORMATS)


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


def converted(disk: Path, folder: Path, plan: DiskFormatPlan) -> dict[str, bytes]:
    folder.mkdir()
    raw = folder / f"{STEM}.raw"
    shutil.copyfile(disk, raw)
    given = inputs("ext4")
    given = msgspec.structs.replace(given, type=msgspec.structs.replace(given.type, disk_format=plan))
    files = convert(given, raw)
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(found) == sorted(file.name for file in files)
    assert [file.size for file in files] == [len(found[file.name]) for file in files]
    return found


def test_what_a_plan_may_ask_for_is_what_can_be_written() -> None:
    assert set(PLANNED) == set(FORMATS)


@pytest.mark.parametrize("name", NAMES)
def test_equal_disks_give_equal_files(name: str, disk: Path, tmp_path: Path) -> None:
    first = converted(disk, tmp_path / "first", DiskFormatPlan(name=name))
    time.sleep(1.1)
    copy = tmp_path / "copy"
    copy.write_bytes(disk.read_bytes())  # without holes
    assert converted(copy, tmp_path / "second", DiskFormatPlan(name=name)) == first


@pytest.mark.parametrize("name", sorted(QEMU))
def test_the_disk_comes_out_again(name: str, disk: Path, tmp_path: Path) -> None:
    converted(disk, tmp_path / "out", DiskFormatPlan(name=name))
    path = next(path for path in (tmp_path / "out").iterdir() if path.suffix != ".vmx")
    # Without force_size a VHD's geometry would count, which can be smaller than the disk.
    options = f"driver={QEMU[name]},file.filename={path}" + (
        ",force_size_calc=current_size" * (QEMU[name] == "vpc")
    )
    compare = ["qemu-img", "compare", "--image-opts", options, f"driver=raw,file.filename={disk}"]
    done = subprocess.run(compare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if name not in {"vhd", "vhd-fixed"}:  # of these qemu-img knows no check
        subprocess.run(["qemu-img", "check", "-f", QEMU[name], path], check=True, capture_output=True)


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
