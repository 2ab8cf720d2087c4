# SPDX-License-Identifier: Apache-2.0
"""A publisher killed anywhere leaves nothing visible, or everything; running it again converges."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.storage import catalog
from runner.storage.fetch import fetch
from runner.storage.location import open_storage
from runner.storage.publish import publish_release
from tests.support.releases import contents, make_release

if TYPE_CHECKING:
    from tests.support.s3 import S3Address

pytestmark = pytest.mark.integration
IMAGE = "Test_Image"
ROOT = Path(__file__).parents[3]


def publish(url: str, release: Path, at: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.support.publisher", url, str(release), "edge", str(at)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def check_kill(url: str, release: Path, at: int, out: Path) -> None:
    """Kill at step ``at``, look, publish again, look."""
    killed = publish(url, release, at)
    if killed.returncode == 0:  # folders two uploads make at once are flushed once or twice: less this time
        assert int(json.loads(killed.stdout)["steps"]) < at
    else:
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    storage = open_storage(url)
    if catalog.numbers(storage, IMAGE, "edge"):  # killed after the commit: then all of it must be there
        fetch(storage, IMAGE, to=out / "killed")
        assert contents(out / "killed") == contents(release)
    assert publish_release(storage, release, channel="edge").number == 1
    assert catalog.numbers(storage, IMAGE, "edge") == [1]
    fetch(storage, IMAGE, to=out / "again")
    assert contents(out / "again") == contents(release)


def steps(url: str, release: Path) -> int:
    whole = publish(url, release)
    assert whole.returncode == 0, whole.stderr
    return int(json.loads(whole.stdout)["steps"])


def test_directory_publisher_killed_at_every_step(tmp_path: Path) -> None:
    release = make_release(tmp_path / "release")
    last = steps(str(tmp_path / "dry"), release)
    assert last > 40
    visible = []

    def one(at: int) -> None:
        check_kill(str(tmp_path / f"storage-{at}"), release, at, tmp_path / f"out-{at}")
        visible.append(at)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, range(1, last + 1)))
    assert len(visible) == last


def test_bucket_publisher_killed_at_every_step(s3_url: str, tmp_path: Path) -> None:
    release = make_release(tmp_path / "release")
    last = steps(f"{s3_url}/dry", release)
    assert last > 20
    with ThreadPoolExecutor(3) as pool:
        list(
            pool.map(
                lambda at: check_kill(f"{s3_url}/{at}", release, at, tmp_path / f"out-{at}"), range(1, last + 1)
            )
        )


def test_bucket_publisher_killed_between_parts(s3_url: str, s3: S3Address, tmp_path: Path) -> None:
    release = make_release(tmp_path / "release", size=(34 << 20) + 5)
    whole = steps(f"{s3_url}/dry", release)
    at = whole // 3
    killed = publish(f"{s3_url}/killed", release, at)
    assert killed.returncode == -signal.SIGKILL
    assert catalog.numbers(open_storage(f"{s3_url}/killed"), IMAGE, "edge") == []
    assert publish(f"{s3_url}/killed", release).returncode == 0
    fetch(open_storage(f"{s3_url}/killed"), IMAGE, to=tmp_path / "out")
    assert contents(tmp_path / "out") == contents(release)


def test_ctrl_c_stops_soon_and_gives_parts_back(s3_url: str, s3: S3Address, tmp_path: Path) -> None:
    release = make_release(tmp_path / "release", size=200 << 20)
    code = (
        "import sys, os, signal; from pathlib import Path\n"
        "from runner.storage.location import open_storage\n"
        "from runner.storage.publish import publish_release\n"
        "def report(name, moved, size):\n"
        "    if size > 1 << 20: os.kill(os.getpid(), signal.SIGINT)\n"
        "try:\n"
        "    publish_release(open_storage(sys.argv[1]), Path(sys.argv[2]), channel='edge', progress=report)\n"
        "except KeyboardInterrupt: sys.exit(130)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, s3_url, str(release)], timeout=60, check=False, cwd=ROOT, env=os.environ
    )
    assert ended.returncode == 130
    bucket, _, prefix = s3_url.removeprefix("s3://").partition("/")
    assert not s3.client().list_multipart_uploads(Bucket=bucket, Prefix=prefix).get("Uploads")
    assert catalog.numbers(open_storage(s3_url), IMAGE, "edge") == []
