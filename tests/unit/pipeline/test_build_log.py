# SPDX-License-Identifier: Apache-2.0
"""The log of a failed build can be read afterwards, that of any other is nowhere but in the release."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.errors import BuildError
from runner.pipeline.build_log import MOST_KEPT, build_log
from runner.redact import Redactor
from tests.support.quiet import machine_at

if TYPE_CHECKING:
    from pathlib import Path

    from runner.pipeline.request import Machine


def fail(machine: Machine, error: BaseException, *, closed: bool = False) -> None:
    with build_log(machine) as log:
        log.sink("the password is canary!")
        if closed:
            log.close()
        raise error


@pytest.mark.parametrize("closed", [True, False])
def test_a_failure_keeps_the_log_and_names_it(tmp_path: Path, closed: bool) -> None:  # noqa: FBT001
    machine = machine_at(tmp_path, redact=Redactor.of(["canary!"]))
    error = BuildError("it broke", why="canary!")
    with pytest.raises(BuildError):
        fail(machine, error, closed=closed)
    [kept] = (tmp_path / "store/logs").iterdir()
    assert error.log == kept
    assert str(kept) in str(error)
    first, *rest = kept.read_text().splitlines()
    assert first == f"{kept.stem} the password is [redacted]"
    assert rest == [f"{kept.stem} it broke", f"{kept.stem}   because: [redacted]"]
    assert list((tmp_path / "store/staging").iterdir()) == []


def test_a_success_and_an_interruption_leave_none(tmp_path: Path) -> None:
    with build_log(machine_at(tmp_path)) as log:
        log.sink("fine")
    with pytest.raises(KeyboardInterrupt):
        fail(machine_at(tmp_path), KeyboardInterrupt())
    assert not (tmp_path / "store/logs").exists()


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "store/logs"
    folder.mkdir(parents=True)
    for number in range(MOST_KEPT + 5):
        (folder / f"{number}.log").touch()
        os.utime(folder / f"{number}.log", (number, number))
    with pytest.raises(BuildError):
        fail(machine_at(tmp_path), BuildError("it broke"))
    left = {path.name for path in folder.iterdir()}
    assert len(left) == MOST_KEPT
    assert {"0.log", "5.log"}.isdisjoint(left)
    assert f"{MOST_KEPT + 4}.log" in left
