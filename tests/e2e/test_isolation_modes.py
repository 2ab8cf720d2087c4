# SPDX-License-Identifier: Apache-2.0
"""Every sandbox gives the same bytes, and the manifest says which one it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runner.digest import sha256_file

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.root, pytest.mark.xdist_group("modes")]

EXAMPLE = Path(__file__).parents[2] / "examples" / "debian-rootfs"


def build(folder: Path, store: Path, mode: str, *wrapper: str) -> tuple[str, str]:
    """Build the erofs example without cached layers; return its digest and the isolation its manifest names."""
    target = folder / f"{mode}{len(wrapper)}"
    command = [*wrapper, sys.executable, "-m", "runner", "--json", "build", str(EXAMPLE), "--type", "erofs"]
    command += ["--target-dir", str(target), "--no-cache"]
    env = {**os.environ, "PACKHOUSE_STORE": str(store), "PACKHOUSE_SANDBOX": mode}
    env["PACKHOUSE_ALLOW_EXPIRED_REPOSITORIES"] = "1"
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    manifest = json.loads(Path(json.loads(done.stdout)["manifest"]).read_text())
    return sha256_file(next(target.glob("*.erofs"))), manifest["builder"]["isolation"]


@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_all_modes_give_the_same_bytes(tmp_path: Path) -> None:
    store = tmp_path / "store"
    digests = {}
    for mode in ("bwrap", "unshare", "chroot"):
        digest, isolation = build(tmp_path, store, mode)
        assert isolation == mode
        digests[mode] = digest
    assert len(set(digests.values())) == 1, digests


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="takes rights away from root")
def test_a_container_without_namespaces_still_builds(tmp_path: Path) -> None:
    store = tmp_path / "store"
    without_mounts = ("setpriv", "--bounding-set=-sys_admin")
    assert build(tmp_path, store, "chroot", *without_mounts)[1] == "chroot"
    assert list((store / "staging").iterdir()) == []
