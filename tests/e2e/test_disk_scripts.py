# SPDX-License-Identifier: Apache-2.0
"""The scripts around a disk: when they run, what they are told, and that what they do is in the disk."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.bench import Bench

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

BUILD, ENVIRONMENT, LIMIT = 8, 9, 13
MEBIBYTE = 1 << 20
SAY = '#!/bin/bash\nset -eu\n. /.profile\necho "{} [$*] $kiwi_iname $PWD" >>/var/lib/order\n'
PARTS = """<partitions>
  <partition name="data" size="33" mountpoint="/data" filesystem="fat32"/>
</partitions>"""
ATTRIBUTES = (
    'firmware="efi" bootpartition="true" bootpartsize="20" bootfilesystem="fat16" '
    'editbootconfig="edit config.sh" editbootinstall="tools/install"'
)
INSTALL = """#!/bin/bash
set -eu
. /.profile
test "$kiwi_iname" = tiny
test -e /image/config.xml
cat /boot/efi/loader.txt /data/data.txt /etc/told
test ! -e /proc/self/nothing
echo lost >/etc/lost
printf 'the boot code of a board' | dd of="$1" bs=1024 seek=8 conv=notrunc status=none
place=${2##*@@}
test "$1@@$place" = "$2"
dd if="$1" bs=1 skip=$((place + 3)) count=8 status=none >/etc/name
grep -q '^mkfs.fat' /etc/name
"""


def scripted(bench: Bench) -> Path:
    """Make the description one of a disk with all scripts, and return its folder."""
    folder = bench.setup.description
    bench.setup.make_disk(ATTRIBUTES, PARTS)
    (folder / "tools").mkdir()
    for name in ("edit config.sh", "pre_disk_sync.sh", "disk.sh"):
        (folder / name).write_text(SAY.format(name))
    with (folder / "disk.sh").open("a") as stream:
        stream.write("cp /var/lib/order /etc/told\nmkdir -p /boot/efi /data /var/log\ndate >/var/log/dpkg.log\n")
        stream.write("echo of the loader >/boot/efi/loader.txt\necho of the data >/data/data.txt\n")
    (folder / "tools/install").write_text(INSTALL)
    return folder


def build(bench: Bench, **env: str) -> bytes:
    bench.build(expect=0, **env)
    (disk,) = bench.target.glob("*.raw")
    return disk.read_bytes()


def partitions(disk: Path) -> dict[str, int]:
    """Offsets by names."""
    command: list[str | Path] = ["sfdisk", "--json", disk]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {
        entry["name"]: entry["start"] * 512 for entry in json.loads(done.stdout)["partitiontable"]["partitions"]
    }


def shown(root: Path, name: str) -> str:
    done = subprocess.run(["debugfs", "-R", f"cat {name}", root], check=True, capture_output=True, text=True)
    return done.stdout


def test_each_runs_at_its_time_and_changes_the_disk(bench: Bench) -> None:
    scripted(bench)
    data = build(bench)
    (disk,) = bench.target.glob("*.raw")
    places = partitions(disk)
    assert list(places) == ["p.legacy", "p.UEFI", "p.lxboot", "p.lxdata", "p.lxroot"]
    assert data[8192:].startswith(b"the boot code of a board")
    root = bench.base / "root"
    root.write_bytes(data[places["p.lxroot"] :])
    subprocess.run(["e2fsck", "-fn", root], check=True, capture_output=True)
    assert shown(root, "/etc/told").splitlines() == [
        "edit config.sh [ext4 3] tiny /",
        "pre_disk_sync.sh [] tiny /",
        "disk.sh [] tiny /",
    ]
    listed = subprocess.run(["debugfs", "-R", "ls -p /", root], check=True, capture_output=True, text=True).stdout
    names = {line.split("/")[5] for line in listed.splitlines() if line}
    assert not names & {"image", ".kconfig", ".profile"}
    assert shown(root, "/etc/lost") == shown(root, "/var/log/dpkg.log") == ""
    for name, file in (("p.UEFI", "loader.txt"), ("p.lxdata", "data.txt")):
        content = subprocess.run(
            ["mtype", "-i", f"{disk}@@{places[name]}", f"::/{file}"], check=True, capture_output=True, text=True
        ).stdout
        assert content == f"of the {file.removesuffix('.txt')}\n"


def test_a_disk_with_scripts_comes_out_again_in_another_sandbox(bench: Bench) -> None:
    scripted(bench)
    first = build(bench)
    for path in bench.target.iterdir():
        path.unlink()
    assert build(bench, PACKHOUSE_SANDBOX="unshare") == first


def test_without_mounts_no_script_can_write_to_the_disk(bench: Bench) -> None:
    scripted(bench)
    done = bench.build(expect=ENVIRONMENT, PACKHOUSE_SANDBOX="chroot")
    assert "cannot be shown writable" in done.error["what"]


@pytest.mark.parametrize("name", ["edit config.sh", "pre_disk_sync.sh", "disk.sh", "tools/install"])
def test_one_that_fails_ends_the_build(bench: Bench, name: str) -> None:
    folder = scripted(bench)
    (folder / name).write_text("echo this went wrong >&2\nexit 3\n")
    done = bench.build(expect=BUILD)
    called = {"edit config.sh": "edit_boot_config.sh", "tools/install": "edit_boot_install.sh"}.get(name, name)
    assert called in done.error["what"]
    assert "this went wrong" in done.said


def test_one_that_hangs_is_ended(bench: Bench) -> None:
    folder = scripted(bench)
    config = bench.base / "config.yaml"
    config.write_text("timeout: 5\n")
    (folder / "disk.sh").write_text(f"sleep {bench.nap}\n")
    bench.build(expect=LIMIT, PACKHOUSE_CONFIG=str(config))
    assert not bench.hangs()


def test_what_is_left_out_is_there_for_the_scripts(bench: Bench) -> None:
    folder = scripted(bench)
    bench.setup.script("printf 'exclude:\\n- usr/share/hello\\n' >/image/exclude_files.yaml\n")
    (folder / "disk.sh").write_text("cat /usr/share/hello/greeting\n")
    (folder / "tools/install").write_text("test ! -e /usr/share/hello\n")
    data = build(bench)
    assert not re.search(rb"^hello\n", data, re.MULTILINE)
