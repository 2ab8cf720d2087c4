# SPDX-License-Identifier: Apache-2.0
"""How inputs become arguments, and what becomes of secrets: build.sh before a command that tells what it got."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
BUILD = ROOT / "actions" / "build" / "build.sh"
RECORDER = """#!{python}
import json, os, pathlib, sys
args = sys.argv[1:]
named = dict(zip(args, args[1:]))
key = pathlib.Path(named["--sign"]) if "--sign" in named else None
facts = {{
    "args": args,
    "env": dict(os.environ),
    "key": key and [key.read_text(), key.stat().st_mode],
}}
pathlib.Path({record!r}).write_text(json.dumps(facts))
target = pathlib.Path(named["--target-dir"])
target.mkdir(parents=True)
image = {{"name": "demo", "version": "1", "arch": "x86_64", "type": "tbz"}}
(target / "demo.manifest.json").write_text(json.dumps({{"image": image, "artifacts": []}}))
print("--- prepare", file=sys.stderr)
sys.exit(int(os.environ.get("PACKHOUSE_TEST_CODE", "0")))
"""

pytestmark = pytest.mark.integration


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the script: its exit code, what it printed, and what the command was given."""

    code: int
    log: str
    given: dict[str, Any]
    temp: Path

    def values(self, option: str) -> list[str]:
        args = self.given["args"]
        return [args[index + 1] for index, arg in enumerate(args) if arg == option]


def build(folder: Path, **inputs: str) -> Run:
    temp, workspace = folder / "runner temp", folder / "work space"
    venv = temp / "packhouse-venv" / "bin"
    venv.mkdir(parents=True)
    workspace.mkdir()
    (venv / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (venv / "packhouse").write_text(RECORDER.format(python=sys.executable, record=str(folder / "given")))
    for file in venv.iterdir():
        file.chmod(0o755)
    done = subprocess.run(
        (BUILD,),
        cwd=workspace,
        env={"PATH": os.environ["PATH"], "RUNNER_TEMP": str(temp), "GITHUB_WORKSPACE": str(workspace), **inputs},
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(done.returncode, done.stdout + done.stderr, json.loads((folder / "given").read_text()), temp)


def test_without_inputs_the_workspace_is_built(tmp_path: Path) -> None:
    run = build(tmp_path)
    assert run.code == 0, run.log
    assert run.given["args"] == [
        *("--json", "--verbose", "build", "--target-dir", str(run.temp / "packhouse-image")),
        *("--", str(tmp_path / "work space")),
    ]
    assert run.given["env"]["PACKHOUSE_STORE"] == str(run.temp / "packhouse-store")
    assert "::group::prepare" in run.log


def test_each_input_is_one_argument(tmp_path: Path) -> None:
    hostile = "$(touch x) `id`; 'a b'"
    run = build(
        tmp_path,
        INPUT_SOURCE="--help",
        INPUT_DESCRIPTION=hostile,
        INPUT_REF="v1",
        INPUT_TYPE="docker",
        INPUT_PROFILE=" one \n\n  two words\n",
        INPUT_CHANNEL="edge",
        INPUT_BOOT_TEST="true",
        INPUT_BOOT_SCRIPT="check me.sh",
        INPUT_PUBLISH="file:///store",
        INPUT_EXTRA_ARGS="--no-cache\n--target-arch\nx86_64",
        INPUT_S3_ENDPOINT="http://s3.example.org",
    )
    assert run.code == 0, run.log
    assert run.values("--subdir") == [hostile]
    assert run.values("--ref") == ["v1"]
    assert run.values("--type") == ["docker"]
    assert run.values("--profile") == ["one", "two words"]
    assert run.values("--channel") == ["edge"]
    assert "--boot-test" in run.given["args"]
    assert run.values("--boot-script") == ["check me.sh"]
    assert run.values("--publish") == ["file:///store"]
    assert run.given["args"][-5:] == ["--no-cache", "--target-arch", "x86_64", "--", "--help"]
    assert run.given["env"]["AWS_ENDPOINT_URL_S3"] == "http://s3.example.org"


def test_the_key_is_a_private_file_for_as_long_as_the_build_runs(tmp_path: Path) -> None:
    run = build(tmp_path, INPUT_SIGN_KEY="-----BEGIN KEY\nsecret", INPUT_SIGN_KEY_PASSPHRASE="open sesame")
    assert run.code == 0, run.log
    text, mode = run.given["key"]
    assert text == "-----BEGIN KEY\nsecret\n"
    assert stat.S_IMODE(mode) == 0o600
    assert run.given["env"]["PACKHOUSE_KEY_PASSPHRASE"] == "open sesame"
    assert not any("secret" in value for value in run.given["env"].values())
    assert not any("sesame" in arg for arg in run.given["args"])
    assert list(run.temp.glob("packhouse-key*")) == []


def test_a_failed_build_fails_the_step_with_its_code(tmp_path: Path) -> None:
    run = build(tmp_path, PACKHOUSE_TEST_CODE="4", INPUT_SIGN_KEY="secret")
    assert run.code == 4
    assert list(run.temp.glob("packhouse-key*")) == []
