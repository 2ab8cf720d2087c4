# SPDX-License-Identifier: Apache-2.0
"""How many processors a machine gets: an emulated one must not race with itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.boot.machine import Wiring, command_line
from runner.boot.model import BootTest


@pytest.mark.parametrize(
    ("asked", "accel", "given"), [(None, "tcg", "1"), (None, "kvm", "2"), (3, "tcg", "3"), (4, "kvm", "4")]
)
def test_an_emulated_machine_has_one_unless_more_are_asked_for(asked: int | None, accel: str, given: str) -> None:
    test = BootTest(disk=Path("disk.raw"), cpus=asked)
    argv = command_line(test, overlay=Path("overlay"), uefi=None, accel=accel, wiring=Wiring(3, 4, 5))
    assert argv[argv.index("-smp") + 1] == given
