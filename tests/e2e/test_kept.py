# SPDX-License-Identifier: Apache-2.0
"""What is kept of a build serves later: its packages in a storage, its log when it fails."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.apt_repo import tiny_distribution
from tests.support.packhouse import Packhouse
from tests.support.tiny import tiny

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

FETCH = 6
GONE = {"PACKHOUSE_MIRROR_TINY": "http://127.0.0.1:9/"}


def test_packages_come_from_a_storage_when_the_mirror_is_gone(tmp_path: Path) -> None:
    kept, bare = (tmp_path / "kept").as_uri(), (tmp_path / "bare").as_uri()
    with tiny(tmp_path / "tiny", tiny_distribution(tmp_path / "debs")) as setup:
        description = setup.description
        first = Packhouse(tmp_path / "first", tmp_path / "store", setup.environment)
        first.run("lock", description)
        first.run("build", description, "--target-dir", tmp_path / "out", "--publish", kept)
        first.run("publish", tmp_path / "out", bare, "--no-mirror-packages")

    fresh = Packhouse(tmp_path / "second", tmp_path / "fresh", GONE)
    prepare = ("prepare", description, "--root")
    assert fresh.run(*prepare, tmp_path / "a", expect=FETCH).error["kind"] == "fetch"
    assert fresh.run(*prepare, tmp_path / "a", "--packages-from", bare, expect=FETCH).error["kind"] == "fetch"
    fresh.run(*prepare, tmp_path / "a", "--packages-from", bare, "--packages-from", kept)

    again = Packhouse(tmp_path / "third", tmp_path / "other", {**GONE, "PACKHOUSE_PACKAGES_FROM": kept})
    again.run("build", description, "--target-dir", tmp_path / "again")
    for path in (tmp_path / "out").glob("*.squashfs"):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
    assert again.leftovers() == []


def test_the_log_of_a_failed_build_is_kept_and_named(tmp_path: Path) -> None:
    with tiny(tmp_path / "tiny", tiny_distribution(tmp_path / "debs")) as setup:
        setup.script("echo in the middle; for i in $(seq 100); do echo $i; done; exit 3\n")
        command = Packhouse(tmp_path / "run", tmp_path / "store", setup.environment)
        error = command.run("build", setup.description, "--target-dir", tmp_path / "out", expect=8).error
        assert "in the middle" not in "\n".join(error["log_tail"])
        [kept] = (tmp_path / "store/logs").iterdir()
        assert error["log"] == str(kept)
        assert "in the middle" in kept.read_text()
        assert command.leftovers() == []
