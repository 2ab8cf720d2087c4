# SPDX-License-Identifier: Apache-2.0
"""The boot test: start an image, wait for what is expected of it, run a script in it, report."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from runner.boot.archive import taken_out
from runner.boot.console import Console, Line, SilenceError
from runner.boot.firmware import Uefi, find_uefi
from runner.boot.machine import RunningMachine, accelerator, run_machine
from runner.boot.model import BootReport, BootTest, FailedBootError
from runner.boot.monitor import screenshot
from runner.boot.overlay import find_disk, make_overlay
from runner.boot.shell import MOST_SCRIPT_BYTES, log_in, run_script
from runner.boot.stages import LOGIN_PROMPT, PANIC
from runner.errors import HostError, UsageError
from runner.redact import Redactor

if TYPE_CHECKING:
    from typing import TextIO

_FIRMWARE_LINES = re.compile(r"^Booting from|^No bootable device")
"""Of the many lines on the BIOS's debug port."""


def boot(test: BootTest) -> BootReport:
    """Start the disk of ``test`` and see it do what is expected. Nothing is left behind but the log and picture.

    Raises:
        FailedBootError: it did not, or the script failed; its ``report`` tells how far it came.
        UsageError: the test makes no sense, or the disk is no disk image.
        HostError: QEMU or its firmware is missing.
    """
    expected = _expected(test)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="packhouse-boot-")))
        overlay = folder / "disk.qcow2"
        uefi = _own_uefi(test, folder)
        make_overlay(taken_out(find_disk(test.disk), folder), overlay, grow_to=test.grow_to)
        log = _open_log(test.log, stack)
        accel = accelerator(test.accelerator)
        machine = stack.enter_context(run_machine(test, overlay=overlay, uefi=uefi, accel=accel))
        redact = Redactor.of([test.login.password])
        deadline = time.monotonic() + test.seconds
        console = Console(machine, deadline=deadline, redact=redact, log=log)
        return _Run(test, console, machine, accel).to_the_end(expected)


class _Run:
    """One run of a machine, from its console's first line to the report."""

    def __init__(self, test: BootTest, console: Console, machine: RunningMachine, accel: str) -> None:
        self._test, self._console, self._machine, self._accel = test, console, machine, accel
        self._script: tuple[int, tuple[str, ...]] | None = None
        machine.on_debug = self._hear_firmware

    def to_the_end(self, expected: dict[str, re.Pattern[str]]) -> BootReport:
        try:
            self._wait(expected)
            self._run_script()
        except SilenceError:
            self._fail(self._late(expected))
        except FailedBootError as error:
            self._fail(error)
        self._picture()
        return self._report()

    def _wait(self, expected: dict[str, re.Pattern[str]]) -> None:
        def listen(line: Line) -> bool | None:
            for name in [name for name, sign in expected.items() if sign.search(line.text)]:
                del expected[name]
            return None if expected else True

        self._console.until(listen)

    def _run_script(self) -> None:
        script = self._test.script
        if script is None:
            return
        self._console.dead_ends = (PANIC,)  # what a script prints is its own affair
        log_in(self._console, self._test.login)
        self._script = run_script(self._console, script)
        code, output = self._script
        if code != 0:
            raise FailedBootError(f"the script failed in the image with exit code {code}", log_tail=output)

    def _late(self, expected: dict[str, re.Pattern[str]]) -> FailedBootError:
        seconds = f"{self._test.seconds:g} s"
        if self._console.is_silent:
            return FailedBootError(
                f"the console stayed silent for {seconds}",
                why="the image says nothing on its serial console",
                hint='add console=ttyS0 to its kernelcmdline, console="serial" to its bootloader; '
                "--screenshot FILE shows what it has on the screen",
            )
        if not expected:
            return FailedBootError(f"the script did not end within {seconds}", hint="--timeout allows more time")
        return FailedBootError(
            f"{' and '.join(expected)} did not come within {seconds}",
            why=f"the last stage that was seen is {self._console.timeline.passed[-1].stage}",
            hint="--timeout allows more time",
        )

    def _fail(self, error: FailedBootError) -> NoReturn:
        with contextlib.suppress(HostError):  # the machine may be gone
            self._picture()
        report = self._report()
        said = self._machine.last_words() if report.seconds < 1 and self._console.is_silent else ()
        tail = error.log_tail or said or tuple(self._console.tail)
        failed = FailedBootError(error.what, why=error.why, hint=error.hint, log_tail=tail)
        failed.report, failed.log = report, self._test.log
        raise failed from None

    def _picture(self) -> None:
        if self._test.screenshot is not None:
            screenshot(self._machine.monitor, self._test.screenshot)

    def _report(self) -> BootReport:
        self._console.close()
        code, output = self._script or (None, ())
        return BootReport(
            firmware=self._test.firmware,
            accelerator="kvm" if self._accel == "kvm" else "tcg",
            seconds=round(self._console.seconds, 3),
            timeline=self._console.timeline.passed,
            script_exit=code,
            script_output=output,
        )

    def _hear_firmware(self, line: str) -> None:
        if _FIRMWARE_LINES.search(line):
            self._console.hear(line)


def _expected(test: BootTest) -> dict[str, re.Pattern[str]]:
    """What has to be seen, by what it is called in errors."""
    if test.script is not None and len(test.script) > MOST_SCRIPT_BYTES:
        raise UsageError(f"the script is longer than {MOST_SCRIPT_BYTES >> 10} KiB")
    signs: dict[str, re.Pattern[str]] = {}
    if test.expect is not None:
        try:
            signs[f"what matches {test.expect!r}"] = re.compile(test.expect)
        except re.error as error:
            raise UsageError(f"{test.expect!r} is no regular expression", why=str(error)) from error
    if test.expect is None or test.script is not None:
        signs["a login prompt"] = LOGIN_PROMPT
    return signs


def _own_uefi(test: BootTest, folder: Path) -> Uefi | None:
    """Return the firmware with variables of this run's own; None for a BIOS."""
    if test.firmware == "bios":
        return None
    uefi = find_uefi(secure=test.firmware == "secure")
    own = folder / "variables.fd"
    try:
        shutil.copyfile(test.variables or uefi.variables, own)
    except OSError as error:
        raise UsageError(f"{test.variables} cannot be read", why=error.strerror) from error
    return Uefi(uefi.code, own, uefi.needs_smm)


def _open_log(path: Path | None, stack: contextlib.ExitStack) -> TextIO | None:
    if path is None:
        return None
    return stack.enter_context(path.open("w", encoding="utf-8", errors="replace"))
