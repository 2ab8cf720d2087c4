# SPDX-License-Identifier: Apache-2.0
"""The boot test that stands before a release, on a disk of one sector."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from runner.boot.model import FailedBootError
from runner.digest import sha256_bytes
from runner.errors import UsageError
from runner.pipeline.boot_gate import pass_gate, passed_before, set_up
from runner.pipeline.build_log import build_log
from runner.pipeline.request import BootGate
from runner.plan.boot import BootPlan
from runner.redact import Redactor
from runner.release.manifest import BlobRef, BootFacts
from tests.integration.create.trees import plan
from tests.support.boot_sector import write_boot_sector
from tests.support.quiet import Memory, machine_at

if TYPE_CHECKING:
    from pathlib import Path

    from runner.plan.model import Plan
    from runner.release.inputs import BootRecord

pytestmark = pytest.mark.integration

SYSTEM = b"[    0.000000] Linux version 6\r\nthe word is canary!\r\ntiny login: "
GATE = BootGate(firmware=("bios",), seconds=60.0)


def disk_plan(firmware: str) -> Plan:
    made = plan("oem")
    return msgspec.structs.replace(made, type=msgspec.structs.replace(made.type, boot=BootPlan(firmware=firmware)))


def results(folder: Path, said: bytes) -> Path:
    folder.mkdir()
    write_boot_sector(folder / "tiny.raw", said)
    (folder / "kiwi.result.json").write_text('{"disk_image": {"filename": "tiny.raw"}}')
    return folder


def test_what_comes_up_passes_and_is_recorded(tmp_path: Path) -> None:
    reporter = Memory()
    machine = machine_at(tmp_path, reporter, redact=Redactor.of(["canary!"]))
    with build_log(machine) as log:
        record = pass_gate(GATE, disk_plan("bios"), results(tmp_path / "out", SYSTEM), machine, log)
        text = record.log.read_text()
    assert reporter.phases == ["boot bios"]
    (test,) = record.tests
    assert (test.firmware, test.result, test.script) == ("bios", "passed", None)
    assert test.timeline[-1].stage == "login"
    assert text.startswith(f"--- bios, {test.accelerator}\n")
    assert "the word is [redacted]" in text
    assert text.splitlines()[-1].endswith("s  login")  # the timeline
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["kiwi.result.json", "tiny.raw"]


def test_what_does_not_come_up_is_told_in_the_log_of_the_build(tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    folder = results(tmp_path / "out", b"[    0.000000] Linux version 6\r\nKernel panic - not syncing: no\r\n")
    with (
        pytest.raises(FailedBootError, match="boot test with bios: the kernel panicked") as caught,
        build_log(machine) as log,
    ):
        pass_gate(GATE, disk_plan("bios"), folder, machine, log)
    assert caught.value.log is not None
    assert caught.value.log.parent == tmp_path / "store/logs"
    assert "Kernel panic - not syncing: no" in caught.value.log.read_text()


@pytest.mark.parametrize(("said", "firmware"), [("bios", "bios"), ("efi", "uefi"), ("uefi", "secure")])
def test_the_firmware_is_that_of_the_description(said: str, firmware: str) -> None:
    assert set_up(BootGate(), disk_plan(said)).firmware == (firmware,)


def test_named_firmware_counts_once_each() -> None:
    assert set_up(BootGate(firmware=("bios", "uefi", "bios")), disk_plan("custom")).firmware == ("bios", "uefi")


def test_what_cannot_be_started_is_refused() -> None:
    with pytest.raises(UsageError, match="type docker for x86_64"):
        set_up(BootGate(), plan("docker"))
    with pytest.raises(UsageError, match="type oem for aarch64"):
        set_up(BootGate(), msgspec.structs.replace(disk_plan("efi"), arch="aarch64"))
    with pytest.raises(UsageError, match="custom") as caught:
        set_up(BootGate(), disk_plan("custom"))
    assert "--boot-firmware" in str(caught.value.hint)


def test_a_test_counts_for_its_firmware_and_script(tmp_path: Path) -> None:
    machine = machine_at(tmp_path)
    with build_log(machine) as log:
        facts = as_facts(pass_gate(GATE, disk_plan("bios"), results(tmp_path / "out", SYSTEM), machine, log))
    assert passed_before(GATE, facts)
    assert not passed_before(GATE, None)
    assert not passed_before(replace(GATE, firmware=("bios", "uefi")), facts)
    scripted = replace(GATE, script=b"true")
    assert not passed_before(scripted, facts)
    (test,) = facts.tests
    again = msgspec.structs.replace(test, script=sha256_bytes(b"true"))
    assert passed_before(scripted, msgspec.structs.replace(facts, tests=(again,)))


def as_facts(record: BootRecord) -> BootFacts:
    log = BlobRef(name="boot.log", blob="sha256:" + "0" * 64, size=1, media_type="text/plain")
    return BootFacts(tests=record.tests, log=log)
