# SPDX-License-Identifier: Apache-2.0
"""The benchmarks of what a runner does with much of everything, small: they run, and measure what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.packhouse import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


def measured(name: str, folder: Path, **options: int) -> Any:
    """Run a benchmark, and return what it wrote."""
    size = [word for option, value in options.items() for word in (f"--{option}", str(value))]
    program = [sys.executable, str(PROJECT / "benchmarks" / f"{name}.py"), *size, "--out", str(folder)]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / f"{name}.json").read_text())


def test_some_of_many_schedules_run(tmp_path: Path) -> None:
    found = measured("schedules", tmp_path, schedules=300, due=2)["300"]
    assert found["a run, its builds asked for"] > 0.01, "git and the looking through are counted"
    assert found["round, nothing is due"] < found["first round, all are new"] / 10


def test_pages_of_many_repositories_are_short(tmp_path: Path) -> None:
    found = measured("pages", tmp_path, repositories=400, jobs=2000)["pages"]
    assert found["overview"]["bytes"] < found["API, repositories"]["bytes"] / 3
    assert 10_000 < found["channels"]["bytes"] < 30_000, "fifty of four hundred"
