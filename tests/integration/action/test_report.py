# SPDX-License-Identifier: Apache-2.0
"""What the workflow runner is told: groups, annotations, outputs, summary."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
REPORT = ROOT / "actions" / "build" / "report.py"
SHA = "ab" * 32

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True)
class Said:
    """What one call of the report script printed and wrote."""

    log: str
    outputs: str
    summary: str


def report(folder: Path, *args: str, stdin: str = "", **env: str) -> Said:
    files = {"GITHUB_OUTPUT": folder / "outputs", "GITHUB_STEP_SUMMARY": folder / "summary"}
    done = subprocess.run(
        (sys.executable, REPORT, *args),
        input=stdin,
        env={"GITHUB_WORKSPACE": str(folder), **{key: str(path) for key, path in files.items()}, **env},
        capture_output=True,
        text=True,
        check=True,
    )
    outputs, summary = (path.read_text() if path.exists() else "" for path in files.values())
    return Said(done.stdout, outputs, summary)


def failure(**more: Any) -> str:
    error = {"kind": "description", "what": "no such element", "where": None, "file": None, "line": None}
    return json.dumps({"error": {**error, "why": None, "hint": None, "log_tail": [], **more}}, sort_keys=True)


def commands_obeyed(log: str) -> list[str]:
    """The workflow commands a runner would carry out, by its rule for stop-commands."""
    obeyed, token = [], None
    for line in log.splitlines():
        if token is not None:
            token = None if line == f"::{token}::" else token
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif line.startswith("::"):
            obeyed.append(line)
    return obeyed


def test_each_phase_is_a_group(tmp_path: Path) -> None:
    said = report(tmp_path, "follow", stdin="hello\n--- prepare\nunpacking\n--- create\n")
    assert commands_obeyed(said.log) == [
        *("::group::start", "::endgroup::", "::group::prepare", "::endgroup::", "::group::create", "::endgroup::")
    ]
    assert said.log.index("::group::prepare") < said.log.index("unpacking") < said.log.index("::group::create")
    assert re.search(r"^prepare: \d+\.\d s$", said.log, re.MULTILINE)
    assert said.summary == ""


@pytest.mark.parametrize("hostile", ["::add-mask::x", "::error::boo", "::stop-commands::x\n::x::\n::error::boo"])
def test_what_scripts_print_is_never_a_command(tmp_path: Path, hostile: str) -> None:
    said = report(tmp_path, "follow", stdin=f"--- prepare\n{hostile}\n" + failure(log_tail=[hostile]) + "\n")
    assert hostile in said.log
    assert [line for line in commands_obeyed(said.log) if not line.startswith(("::group", "::endgroup"))] == [
        "::error title=Packhouse%3A description::no such element"
    ]


def test_an_error_is_shown_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a,b.kiwi").touch()
    line = failure(file="images/a,b.kiwi", line=12, where="images/a,b.kiwi:12", why="50% of it\nis", hint="fix")
    said = report(tmp_path, "follow", stdin=line + "\n")
    expected = "file=images/a%2Cb.kiwi,line=12::no such element%0Abecause: 50%25 of it%0Ais%0Ato fix: fix"
    assert f"::error title=Packhouse%3A description,{expected}" in said.log
    assert "because: 50% of it" in said.summary


def test_a_description_below_the_workspace_is_found(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "x.kiwi").touch()
    said = report(tmp_path, "follow", stdin=failure(file="x.kiwi", line=3) + "\n", INPUT_DESCRIPTION="images")
    assert "file=images/x.kiwi,line=3" in said.log


@pytest.mark.parametrize("file", ["/etc/passwd", "../../../etc/passwd", "gone.kiwi"])
def test_no_annotation_points_outside_the_workspace(tmp_path: Path, file: str) -> None:
    said = report(tmp_path, "follow", stdin=failure(file=file, where=file) + "\n")
    assert "file=" not in said.log
    assert f"::error title=Packhouse%3A description::{file}: no such element" in said.log


def release(folder: Path) -> bytes:
    """A folder as a build leaves it, as far as the report reads it."""
    folder.mkdir()
    manifest = {
        "image": {"name": "demo", "version": "1.2.3", "arch": "x86_64", "type": "tbz"},
        "artifacts": [{"name": "demo.x86_64-1.2.3.tar.xz", "size": 1234567, "digest": {"sha256": SHA}}],
    }
    raw = json.dumps(manifest).encode()
    (folder / "demo.x86_64-1.2.3.manifest.json").write_bytes(raw)
    return raw


def test_the_result_is_given_on(tmp_path: Path) -> None:
    folder = tmp_path / "image"
    digest = hashlib.sha256(release(folder)).hexdigest()
    said = report(tmp_path, "result", str(folder), "--signed", "--published", "s3://b/p", "--channel", "edge")

    outputs = dict(line.split("=", 1) for line in said.outputs.splitlines())
    (artifact,) = json.loads(outputs.pop("artifacts"))
    name = "demo.x86_64-1.2.3.tar.xz"
    assert artifact == {"name": name, "path": str(folder / name), "size": 1234567, "sha256": SHA}
    assert outputs == {
        "manifest-path": str(folder / "demo.x86_64-1.2.3.manifest.json"),
        "manifest-digest": f"sha256:{digest}",
        "target-dir": str(folder),
    }
    assert f"| `{name}` | 1.2 MB | `{SHA}` |" in said.summary
    assert "packhouse fetch 's3://b/p' demo:edge --key KEY.pub" in said.summary


def test_an_unsigned_result_promises_no_check(tmp_path: Path) -> None:
    folder = tmp_path / "image"
    release(folder)
    assert "--key" not in report(tmp_path, "result", str(folder)).summary
    assert "packhouse verify image --key" in report(tmp_path, "result", str(folder), "--signed").summary
