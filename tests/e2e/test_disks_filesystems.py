# SPDX-License-Identifier: Apache-2.0
"""``examples/debian-server`` with other filesystems for its root: it boots and grows."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.image_files import only
from tests.support.packhouse import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.packhouse import Packhouse

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.xdist_group("e2e-disks")]

PASSWORD = {"PACKHOUSE_BOOT_PASSWORD": "packhouse"}
CHECK = """\
set -eu
systemctl is-system-running --wait || { systemctl --failed; exit 1; }
test "$(findmnt -no FSTYPE /)" = xfs
test "$(df --output=size -BM / | tail -n1 | tr -dc 0-9)" -gt 2500
test "$(stat -c %a /tmp)" = 1777
"""


def test_a_root_on_xfs_starts_and_grows(packhouse: Packhouse, tmp_path: Path) -> None:
    description = shutil.copytree(PROJECT / "examples/debian-server", tmp_path / "description")
    appliance = description / "appliance.kiwi"
    text = appliance.read_text()
    assert 'filesystem="ext4"' in text
    appliance.write_text(text.replace('filesystem="ext4"', 'filesystem="xfs"'))
    profiles = ("--profile", "grub", "--profile", "trixie")
    packhouse.run("build", description, *profiles, "--target-dir", tmp_path / "out")
    script = tmp_path / "check.sh"
    script.write_text(f"#!/bin/sh\n{CHECK}")
    disk = only(tmp_path / "out", ".qcow2")
    options = ("--firmware", "uefi", "--disk", "4G", "--log", tmp_path / "boot.log")
    packhouse.run("boot", disk, "--run", script, *options, env=PASSWORD, timeout=700)
