# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from runner.doctor import machine, probe_all
from runner.doctor.check import Host
from runner.doctor.tools import TOOLS, Tool, numbers
from runner.packages.mirrors import Mirrors

if TYPE_CHECKING:
    from pathlib import Path

HOST = Host("apt", is_root=True)


@pytest.mark.parametrize(("text", "value"), [("1.21.22", (1, 21, 22)), ("", ()), ("4.5", (4, 5))])
def test_versions_compare_as_numbers(text: str, value: tuple[int, ...]) -> None:
    assert numbers(text) == value
    assert numbers("1.9") < numbers("1.10")


def test_a_missing_tool_names_its_package() -> None:
    check = Tool(("no-such-tool",), {"*": "the-package"}, "for this test").probe(HOST)
    assert (check.ok, check.found, check.fix) == (False, "not installed", "apt-get install --yes the-package")


def test_a_tool_that_is_too_old_is_missing() -> None:
    check = Tool(("tar",), {"*": "tar"}, "for this test", (999,)).probe(HOST)
    assert not check.ok
    assert check.found.startswith("tar ")
    assert check.fix


def test_a_tool_that_is_there_needs_no_fix() -> None:
    check = Tool(("tar",), {"*": "tar"}, "for this test", (1, 0)).probe(HOST)
    assert (check.ok, check.fix) == (True, "")


def test_the_second_choice_will_do() -> None:
    assert (
        Tool(("no-such-tool", "tar"), {"*": "tar"}, "for this test", (999,)).probe(HOST).found.startswith("tar ")
    )


def test_every_tool_says_why_and_what_to_install() -> None:
    assert all(tool.why and tool.package["*"] for tool in TOOLS)


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.space(tmp_path / "not" / "made" / "yet").found.endswith("yet")
    monkeypatch.setattr(machine, "NEEDED_BYTES", 1 << 62)
    assert not machine.space(tmp_path).ok


def test_no_keyrings(tmp_path: Path) -> None:
    assert not machine.keyrings(HOST, tmp_path).ok
    (tmp_path / "debian-archive-keyring.gpg").touch()
    assert machine.keyrings(HOST, tmp_path).ok


def test_a_dead_mirror_is_told_soon() -> None:
    began = time.monotonic()
    check = machine.mirror(Mirrors({"debian": "http://127.0.0.1:1/debian"}))
    assert not check.ok
    assert "PACKHOUSE_MIRROR_DEBIAN" in check.fix
    assert time.monotonic() - began < 10


def test_all_probes_answer_and_leave_nothing(tmp_path: Path) -> None:
    checks = probe_all(tmp_path, Mirrors({"debian": "http://127.0.0.1:1/debian"}))
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.ok or (check.fix and check.why) for check in checks)
    assert not any(check.fix for check in checks if check.ok)
    assert list(tmp_path.iterdir()) == []
