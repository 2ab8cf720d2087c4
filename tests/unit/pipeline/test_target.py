# SPDX-License-Identifier: Apache-2.0
"""The folder of results is either the old one or the new one, and nothing stays beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import HostError
from runner.pipeline.target import staged_target

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "a.manifest.json"


def put(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(text)
    return folder


def fail(target: Path) -> None:
    with staged_target(target) as stage:
        put(stage, "never seen")
        raise KeyError


def seen(parent: Path) -> dict[str, str]:
    return {path.name: (path / MANIFEST).read_text() for path in parent.iterdir()}


def test_a_success_replaces_and_a_failure_does_not(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for text in ("one", "two"):
        with staged_target(target) as stage:
            put(stage, text)
    with pytest.raises(KeyError):
        fail(target)
    assert seen(tmp_path) == {"out": "two"}


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(HostError), staged_target(tmp_path):
        pass
    assert (tmp_path / "notes").read_text() == "mine"


def test_leftovers_of_a_killed_run_go(tmp_path: Path) -> None:
    put(tmp_path / ".out-abcd1234", "half done")
    with staged_target(tmp_path / "out") as stage:
        put(stage, "done")
    assert seen(tmp_path) == {"out": "done"}


def test_a_living_run_keeps_its_folder(tmp_path: Path) -> None:
    with staged_target(tmp_path / "out") as first:
        put(first, "first")
        with staged_target(tmp_path / "out") as second:
            put(second, "second")
        assert first.is_dir()
    assert seen(tmp_path) == {"out": "first"}


def test_a_result_put_aside_when_killed_comes_back(tmp_path: Path) -> None:
    put(tmp_path / ".out-old-abcd1234", "good")
    with pytest.raises(KeyError):
        fail(tmp_path / "out")
    assert seen(tmp_path) == {"out": "good"}
