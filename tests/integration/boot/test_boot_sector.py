# SPDX-License-Identifier: Apache-2.0
"""Machines that really start, with a disk of one sector; emulated, so that every host answers alike."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import tarfile
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runner.boot.model import BootTest, FailedBootError
from runner.boot.test import boot
from runner.create.formats.convert import convert
from runner.errors import UsageError
from runner.plan.formats import DiskFormatPlan
from runner.plan.machine import VagrantPlan
from tests.integration.create.trees import STEM, inputs
from tests.support.boot_sector import write_boot_sector

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

SYSTEM = b"[    0.000000] Linux version 6\r\nWelcome to Tiny!\r\n\x1b[1mtiny\x1b[0m login: "


def start(disk: Path, **options: Any) -> Any:
    return boot(BootTest(disk=disk, **{"accelerator": "tcg", "seconds": 60.0, "memory_mib": 128, **options}))


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return write_boot_sector(tmp_path / "tiny.raw", SYSTEM)


def test_it_comes_to_the_login_prompt(disk: Path, tmp_path: Path) -> None:
    before = disk.read_bytes()
    log, picture = tmp_path / "boot.log", tmp_path / "screen.png"
    report = start(disk, log=log, screenshot=picture)
    assert [passed.stage for passed in report.timeline] == ["firmware", "loader", "kernel", "userspace", "login"]
    assert sorted(passed.seconds for passed in report.timeline) == [passed.seconds for passed in report.timeline]
    assert report.accelerator == "tcg"
    assert "Linux version 6" in log.read_text()
    assert log.read_text().endswith("] tiny login: \n")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert disk.read_bytes() == before


@pytest.mark.parametrize("bus", ["virtio", "sata", "scsi", "nvme"])
def test_every_bus_starts(disk: Path, bus: str) -> None:
    assert start(disk, bus=bus).timeline[-1].stage == "login"


@pytest.mark.parametrize("form", ["qcow2", "vmdk", "vdi", "vpc", "vhdx"])
def test_every_format_starts(disk: Path, tmp_path: Path, form: str) -> None:
    packed = tmp_path / f"disk.{form}"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", form, disk, packed], check=True)
    assert start(packed, grow_to=8 << 20).timeline[-1].stage == "login"


@pytest.mark.parametrize(
    ("name", "wrapper", "ending"),
    [
        ("ova", "", "ova"),
        ("gce", "", "tar.gz"),
        ("vagrant", "", "vagrant.libvirt.box"),
        ("vmdk", "oci", "oci.tar.xz"),
        ("", "docker", "docker.tar.xz"),
    ],
)
def test_a_disk_in_an_archive_starts(disk: Path, name: str, wrapper: str, ending: str) -> None:
    given = inputs("ext4")
    plan = msgspec.structs.replace(
        given.type,
        disk_format=DiskFormatPlan(name=name, wrapper=wrapper),
        vagrant=VagrantPlan(provider="libvirt", virtual_size_gb=1),
    )
    convert(msgspec.structs.replace(given, type=plan), disk)
    assert start(disk.parent / f"{STEM}.{ending}").timeline[-1].stage == "login"


def test_archives_without_a_disk_are_refused(tmp_path: Path) -> None:
    empty, damaged, cut = (tmp_path / name for name in ("empty.ova", "damaged.box", "cut.tar.gz"))
    damaged.write_bytes(b"no archive")
    with tarfile.open(empty, "w") as archive:
        archive.add(damaged, "text")
    packed = gzip.compress(empty.read_bytes(), mtime=0)
    cut.write_bytes(packed[: len(packed) // 2])
    for path, match in ((empty, "no disk in it"), (damaged, "cannot be unpacked"), (cut, "cannot be unpacked")):
        with pytest.raises(UsageError, match=match):
            start(path)


def test_results_are_started_by_their_folder(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "kiwi.result.json").write_text('{"disk_image": {"filename": "tiny.raw"}}')
    assert start(disk.parent, expect="Welcome to T.ny").timeline[-1].stage in {"userspace", "login"}


def test_a_panic_ends_the_wait(tmp_path: Path) -> None:
    disk = write_boot_sector(
        tmp_path / "p.raw", b"[    0.000000] Linux version 6\r\nKernel panic - not syncing: no\r\n"
    )
    with pytest.raises(FailedBootError, match="the kernel panicked") as caught:
        start(disk)
    assert caught.value.report is not None
    assert caught.value.report.timeline[-1].stage == "kernel"
    assert caught.value.log_tail[-1] == "Kernel panic - not syncing: no"


@pytest.mark.parametrize("firmware", ["bios", "uefi", "secure"])
def test_a_disk_without_a_bootloader_is_told(tmp_path: Path, firmware: str) -> None:
    disk = tmp_path / "empty.raw"
    disk.write_bytes(bytes(1 << 20))
    with pytest.raises(FailedBootError, match="found nothing to boot"):
        start(disk, firmware=firmware, memory_mib=256)


def test_what_does_not_come_in_time_is_named(disk: Path) -> None:
    with pytest.raises(FailedBootError, match="'never' did not come within 3 s") as caught:
        start(disk, expect="never", seconds=3)
    assert "login" in str(caught.value.why)


def test_a_silent_console_is_told(tmp_path: Path) -> None:
    with pytest.raises(FailedBootError, match="stayed silent"):
        start(write_boot_sector(tmp_path / "silent.raw", b""), seconds=3)


def test_bad_disks_are_refused(disk: Path, tmp_path: Path) -> None:
    over = tmp_path / "over.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", disk, "-F", "raw", over], check=True)
    with pytest.raises(UsageError, match="lies over another file"):
        start(over)
    with pytest.raises(UsageError, match="cannot be 10 bytes"):
        start(disk, grow_to=10)
    with pytest.raises(UsageError, match="regular expression"):
        start(disk, expect="(")
    with pytest.raises(UsageError, match="no results"):
        start(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_runs_on_after_the_end(disk: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-m", "runner", "boot", "--accel", "tcg", "--expect", "never", str(disk)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as program:
        machine = _child(program.pid)
        time.sleep(0.5)
        program.send_signal(number)
        assert program.wait(20) in {130, -signal.SIGKILL}
    for _ in range(100):
        if not os.path.exists(f"/proc/{machine}"):  # noqa: PTH110  # shorter
            break
        time.sleep(0.1)
    else:
        pytest.fail("the machine runs on")


def _child(parent: int) -> int:
    """Wait until ``parent`` runs a machine, and return its number."""
    for _ in range(200):
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:  # noqa: PTH123
            for child in map(int, file.read().split()):
                with open(f"/proc/{child}/cmdline", "rb") as line:  # noqa: PTH123
                    if line.read().startswith(b"qemu-system"):
                        return child
        time.sleep(0.05)
    raise AssertionError("no machine was started")
