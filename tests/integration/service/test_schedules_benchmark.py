# SPDX-License-Identifier: Apache-2.0
"""The benchmark of schedules, small: it runs, and a round without anything due reads nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.packhouse import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


def test_some_of_many_schedules_run(tmp_path: Path) -> None:
    script = str(PROJECT / "benchmarks" / "schedules.py")
    size = ["--schedules", "300", "--due", "2", "--out", str(tmp_path)]
    done = subprocess.run([sys.executable, script, *size], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "schedules.json").read_text())["300"]
    assert found["a run, its builds asked for"] > 0.01, "git and the looking through are counted"
    assert found["round, nothing is due"] < found["first round, all are new"] / 10
