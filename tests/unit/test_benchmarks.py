# SPDX-License-Identifier: Apache-2.0
"""On a new machine ``make bench`` measures everything: what the peers need is installed before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_peers_needs_are_installed(tmp_path: Path) -> None:
    nothing = tmp_path / "dpkg-query"
    nothing.write_text("#!/bin/sh\nexit 1\n")
    nothing.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    listed = said(str(ROOT / "scripts/system-packages.sh"), "--test", "--bench", "--list", env=environment)
    needed = said(sys.executable, "-c", "import peers; print(*peers.packages())")
    assert len(needed) > 5
    assert needed <= listed


def said(*command: str, env: dict[str, str] | None = None) -> set[str]:
    done = subprocess.run(command, cwd=ROOT / "benchmarks", env=env, capture_output=True, check=True, text=True)
    return set(done.stdout.split())
