# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from runner.errors import HostError, SourceError
from runner.sources.api import checkout
from runner.sources.session import open_session

if TYPE_CHECKING:
    from pathlib import Path


def test_heavy_library_is_loaded_late() -> None:
    program = "import sys, runner.sources.api; print('git' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"


def test_machine_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HostError, match="install git"):
        checkout(str(tmp_path), work=tmp_path)


@pytest.mark.parametrize("subdir", ["..", "a/../..", "/etc", "a\nb", "\x1b[31m"])
def test_subdir_that_leads_elsewhere(tmp_path: Path, subdir: str) -> None:
    with pytest.raises(SourceError, match="cannot be the folder"):
        checkout(str(tmp_path), subdir=subdir, work=tmp_path)


def test_session_hides_its_environment() -> None:
    session = open_session(
        "https://alice:canary77@h/r", env={"https_proxy": "http://u:canary88@p", "GIT_DIR": "/x"}, seconds=1
    )
    assert "canary" not in repr(session)
    assert session.redact("canary77 canary88") == "[redacted] [redacted]"
    assert "GIT_DIR" not in session.environment
    assert session.environment["GIT_ALLOW_PROTOCOL"] == "none"
    assert session.environment["https_proxy"] == "http://u:canary88@p"


def test_settings_are_added_not_replaced() -> None:
    session = open_session("x", env={}, seconds=1)
    more = session.configured([("a.b", "c")])
    count = int(session.environment["GIT_CONFIG_COUNT"])
    assert more.environment["GIT_CONFIG_COUNT"] == str(count + 1)
    assert more.environment[f"GIT_CONFIG_KEY_{count}"] == "a.b"
    assert more.environment["GIT_CONFIG_KEY_0"] == "core.hooksPath"
