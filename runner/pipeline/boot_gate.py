# SPDX-License-Identifier: Apache-2.0
"""``build --boot-test``: an image is released only when it came up in a virtual machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from runner.boot.firmware import find_uefi
from runner.boot.machine import require_qemu
from runner.boot.model import BootTest, FailedBootError
from runner.boot.report import report_text
from runner.boot.test import boot
from runner.digest import sha256_bytes
from runner.errors import UsageError
from runner.pipeline.phases import phase
from runner.release.inputs import BootRecord
from runner.release.manifest import BootStage, BootTested

if TYPE_CHECKING:
    from pathlib import Path

    from runner.boot.model import BootReport, Firmware
    from runner.pipeline.build_log import OpenLog
    from runner.pipeline.request import BootGate, Machine
    from runner.plan.model import Plan
    from runner.release.manifest import BootFacts

_FIRMWARE: dict[str, Firmware] = {"bios": "bios", "efi": "uefi", "uefi": "secure"}
"""KIWI's word to that of the boot test: its ``uefi`` is the one that checks signatures."""

_MACHINE = "x86_64"
_MEMORY_MIB = 1024


def set_up(gate: BootGate, plan: Plan) -> BootGate:
    """Return ``gate`` with the firmware that the disk is made for, where none is named, before anything is built.

    Raises:
        UsageError: what the plan describes cannot be started.
        HostError: this machine lacks QEMU or a firmware.
    """
    if plan.type.image != "oem" or plan.arch != _MACHINE:
        raise UsageError(
            f"an image of type {plan.type.image} for {plan.arch} cannot be tested by starting it",
            why=f"the boot test starts disks (oem) for {_MACHINE}",
            hint="leave --boot-test away",
        )
    said = plan.type.boot.firmware if plan.type.boot else ""
    if not gate.firmware and said not in _FIRMWARE:
        raise UsageError(
            f'what firmware="{said}" is tested with is not known', hint="name it with --boot-firmware"
        )
    firmware = gate.firmware or (_FIRMWARE[said],)
    require_qemu()
    for name in firmware:
        if name != "bios":
            find_uefi(secure=name == "secure")
    return replace(gate, firmware=tuple(dict.fromkeys(firmware)))


def passed_before(gate: BootGate, facts: BootFacts | None) -> bool:
    """Tell whether all tests of ``gate`` are among those in ``facts``."""
    passed = {(test.firmware, test.script) for test in facts.tests} if facts is not None else set()
    return passed.issuperset((name, _script(gate)) for name in gate.firmware)


def pass_gate(gate: BootGate, plan: Plan, results: Path, machine: Machine, log: OpenLog) -> BootRecord:
    """Start the disk among ``results`` with each firmware of ``gate``, and return what was seen.

    The console goes to a file beside the build's log; when a test fails it goes into that log as well.

    Raises:
        FailedBootError: it did not come up, or the script failed.
    """
    record, tests = log.path.with_name("boot.log"), []
    for name in gate.firmware:
        log.sink.phase(f"boot {name}")
        with phase(machine.reporter, f"boot {name}") as detail:
            console = log.path.with_name(f"console-{name}.log")
            report = _boot(_test(gate, plan, results, name, console), log)
            last = report.timeline[-1]
            detail.text = f"{report.accelerator}, {last.stage} after {last.seconds:.1f} s"
        text = f"--- {name}, {report.accelerator}\n{_text(console)}{report_text(report)}\n"
        with record.open("a", encoding="utf-8") as stream:
            stream.writelines(f"{machine.redact(line)}\n" for line in text.splitlines())
        tests.append(_tested(report, _script(gate)))
    return BootRecord(tests=tuple(tests), log=record)


def _test(gate: BootGate, plan: Plan, results: Path, firmware: Firmware, console: Path) -> BootTest:
    disk, machine = plan.type.disk, plan.type.machine
    return BootTest(
        disk=results,
        firmware=firmware,
        sector_bytes=disk.sector_bytes if disk else 512,
        memory_mib=(machine and machine.memory_mib) or _MEMORY_MIB,
        login=gate.login,
        script=gate.script,
        seconds=gate.seconds,
        log=console,
    )


def _boot(test: BootTest, log: OpenLog) -> BootReport:
    try:
        return boot(test)
    except FailedBootError as error:
        for line in _text(test.log).splitlines():
            log.sink(line)
        error.what = f"boot test with {test.firmware}: {error.what}"
        raise


def _text(console: Path | None) -> str:
    if console is None or not console.exists():
        return ""
    return console.read_text(encoding="utf-8", errors="replace")


def _script(gate: BootGate) -> str | None:
    return sha256_bytes(gate.script) if gate.script is not None else None


def _tested(report: BootReport, script: str | None) -> BootTested:
    return BootTested(
        firmware=report.firmware,
        accelerator=report.accelerator,
        result="passed",
        timeline=tuple(
            BootStage(stage=passed.stage, milliseconds=round(passed.seconds * 1000)) for passed in report.timeline
        ),
        script=script,
    )
