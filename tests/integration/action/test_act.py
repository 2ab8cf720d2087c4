# SPDX-License-Identifier: Apache-2.0
"""The action in a real workflow run, by a workflow runner on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ACT = Path(sys.executable).parent / "act"
WORKFLOW = """
on: push
permissions: {}
jobs:
  image:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8
      - id: image
        uses: packhouse/packhouse@0123456789abcdef0123456789abcdef01234567
        with:
          description: images/minimal
          type: tbz
          target-dir: ${{ env.OUT }}/image
          publish: file://${{ env.OUT }}/store
          sign-key: ${{ secrets.KEY }}
          sign-key-passphrase: ${{ secrets.PASSPHRASE }}
          channel: nightly
      - run: |
          printf '%s' "$OUTPUTS" > "$OUT/outputs.json"
          ls "$RUNNER_TEMP" > "$OUT/temp"
        env:
          OUTPUTS: ${{ toJSON(steps.image.outputs) }}
"""
ACTION = "packhouse/packhouse@0123456789abcdef0123456789abcdef01234567"

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.timeout(900)]


def git(folder: Path, *args: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", f"safe.directory={folder}")
    done = subprocess.run(("git", *identity, *args), cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def export_action(to: Path) -> Path:
    """What a forge would deliver as the action: the files that belong to the repository, nothing else."""
    listing = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "benchmarks/")):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    git(to, "init", "--quiet")
    return to


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody's repository: a description in a folder, and a workflow that builds it."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "examples" / "debian-minimal", folder / "images" / "minimal")
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "workflows" / "image.yml").write_text(WORKFLOW)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    return folder


@pytest.fixture
def key(tmp_path: Path) -> Path:
    packhouse = Path(sys.executable).with_name("packhouse")
    env = {**os.environ, "PACKHOUSE_KEY_PASSPHRASE": "open sesame"}
    subprocess.run((packhouse, "keygen", "--out", tmp_path / "key"), env=env, check=True, capture_output=True)
    return tmp_path / "key"


def act(project: Path, key: Path, out: Path, *, timeout: float = 600) -> tuple[int, str]:
    """Run the project's workflow on this machine; return the exit code and the log."""
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "Describe the image")
    home = out / "home"
    home.mkdir(parents=True)
    argv = (
        *(ACT, "push", "--platform", "ubuntu-latest=-self-hosted", "--no-cache-server", "--env", f"OUT={out}"),
        *("--local-repository", f"{ACTION}={export_action(out / 'action')}"),
        *("--secret", "KEY", "--secret", "PASSPHRASE", "--pull=false", "--action-offline-mode"),
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "XDG_"))}
    env = {**kept, "HOME": str(home), "KEY": key.read_text(), "PASSPHRASE": "open sesame"}
    with subprocess.Popen(
        argv,
        cwd=project,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            log, _ = child.communicate(timeout=timeout)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    return child.returncode, log


def test_builds_signs_publishes_and_tells_the_workflow(project: Path, key: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, log = act(project, key, out)
    assert code == 0, log

    outputs = json.loads((out / "outputs.json").read_text())
    manifest = Path(outputs["manifest-path"])
    assert manifest.parent == out / "image" == Path(outputs["target-dir"])
    assert outputs["manifest-digest"] == f"sha256:{hashlib.sha256(manifest.read_bytes()).hexdigest()}"
    artifacts = json.loads(outputs["artifacts"])
    assert any(item["name"].endswith(".tar.xz") for item in artifacts)
    for item in artifacts:
        assert hashlib.sha256(Path(item["path"]).read_bytes()).hexdigest() == item["sha256"]
        assert Path(item["path"]).stat().st_uid == os.getuid()

    packhouse = Path(sys.executable).with_name("packhouse")
    fetch = ("fetch", f"file://{out}/store", "debian-minimal:nightly", "-o", tmp_path / "fetched")
    subprocess.run((packhouse, *fetch, "--key", key.with_name("key.pub")), check=True)
    assert (tmp_path / "fetched" / manifest.name).read_bytes() == manifest.read_bytes()

    assert "open sesame" not in log
    assert "PRIVATE KEY" not in log
    assert "packhouse-key" not in (out / "temp").read_text()


def test_an_error_in_the_description_is_shown_at_its_line(project: Path, key: Path, tmp_path: Path) -> None:
    description = project / "images" / "minimal" / "appliance.kiwi"
    lines = description.read_text().splitlines()
    number = next(index for index, line in enumerate(lines, 1) if "<packagemanager>" in line)
    lines[number - 1] = "<packagemanager>slackpkg</packagemanager>"
    description.write_text("\n".join(lines))
    code, log = act(project, key, tmp_path / "out")
    assert code != 0
    error = next(line for line in log.splitlines() if "::error" in line)
    assert f"file=images/minimal/appliance.kiwi,line={number}" in error
    assert not (tmp_path / "out" / "store").exists()
