# SPDX-License-Identifier: Apache-2.0
"""The benchmark of watching, small: it runs, and the real runner keeps up."""

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

REPOSITORIES, PUSHES = 100, 3


def test_a_hundred_repositories_are_watched(tmp_path: Path) -> None:
    size = ["--repositories", str(REPOSITORIES), "--pushes", str(PUSHES), "--poll", "4", "--cycles", "0.5"]
    places = ["--work", str(tmp_path), "--out", str(tmp_path / "out")]
    script = str(PROJECT / "benchmarks" / "watch.py")
    done = subprocess.run(
        [sys.executable, script, *size, *places], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "push to begun" in done.stdout
    found = json.loads((tmp_path / "out" / "watch.json").read_text())
    assert (found["failed"], found["queued"]["count"], found["begun"]["count"]) == (0, PUSHES, 1)
    assert found["cycle"]["count"] >= REPOSITORIES
    assert found["first_pass"] < 5, "places that are free again are used at once"
