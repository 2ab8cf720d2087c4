# SPDX-License-Identifier: Apache-2.0
"""The folder of results is either the old one or the new one, and nothing stays beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from runner.errors import HostError
from runner.pipeline.target import staged_target

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "a.manifest.json"


def put(folder: Path, text: str, *artifacts: str) -> Path:
    """Write a small release; ``text`` is its version."""
    listed = [{"name": name, "size": 1, "digest": {"sha256": "0" * 64}} for name in artifacts]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps({"image": {"name": "a", "version": text}, "artifacts": listed}))
    for name in ("SHA256SUMS", "a.log", *artifacts):
        (folder / name).write_text(text)
    return folder


def fail(target: Path) -> None:
    with staged_target(target) as stage:
        put(stage, "never seen")
        raise KeyError


def seen(parent: Path) -> dict[str, str]:
    return {path.name: json.loads((path / MANIFEST).read_text())["image"]["version"] for path in parent.iterdir()}


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


@pytest.mark.parametrize("name", ["notes.txt", "b.squashfs", "folder/"])
def test_somebodys_file_beside_an_earlier_result_stops_the_build_before_it_starts(
    tmp_path: Path, name: str
) -> None:
    target = put(tmp_path / "out", "old", "a.squashfs")
    if name.endswith("/"):
        (target / name).mkdir()
    else:
        (target / name).write_text("mine")
    before = sorted(target.iterdir())
    with pytest.raises(HostError, match=name.strip("/")), staged_target(target):
        raise AssertionError("never built")
    assert sorted(target.iterdir()) == before
    assert seen(tmp_path) == {"out": "old"}


def test_a_file_that_came_during_the_build_is_kept(tmp_path: Path) -> None:
    target = put(tmp_path / "out", "old")

    def build() -> None:
        with staged_target(target) as stage:
            put(stage, "new")
            (target / "notes").write_text("mine")

    with pytest.raises(HostError, match="notes"):
        build()
    assert (target / "notes").read_text() == "mine"
    assert seen(tmp_path) == {"out": "old"}


def test_a_manifest_of_somebody_else_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.manifest.json").write_text('{"name": "a web app"}')
    with pytest.raises(HostError, match="no earlier result"), staged_target(tmp_path):
        pass


def test_all_of_an_earlier_result_is_replaced_whatever_its_name(tmp_path: Path) -> None:
    target = put(tmp_path / "out", "old", "a.squashfs", "a.packages")
    (target / MANIFEST).rename(target / "old.manifest.json")
    (target / "a.log").rename(target / "old.log")
    (target / "old.intoto.jsonl").write_text("signature")
    with staged_target(target) as stage:
        put(stage, "new", "b.squashfs")
    assert sorted(path.name for path in target.iterdir()) == ["SHA256SUMS", "a.log", MANIFEST, "b.squashfs"]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed(tmp_path: Path, there: bool) -> None:  # noqa: FBT001
    place = tmp_path / "disk" / "results"
    if there:
        put(place, "old")
    link = tmp_path / "here" / "out"
    link.parent.mkdir()
    link.symlink_to("../disk/results")
    with staged_target(link) as stage:
        put(stage, "new")
    assert link.is_symlink()
    assert seen(place.parent) == {"results": "new"}
    assert seen(link.parent) == {"out": "new"}


def test_a_file_is_no_place_for_results(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(HostError, match="folder"), staged_target(tmp_path / "out"):
        pass


def test_leftovers_of_a_killed_run_go(tmp_path: Path) -> None:
    put(tmp_path / ".out.stage-abcd1234", "half done")
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
    put(tmp_path / ".out.old-abcd1234", "good")
    with pytest.raises(KeyError):
        fail(tmp_path / "out")
    assert seen(tmp_path) == {"out": "good"}


def test_a_build_at_work_is_left_alone_whatever_its_target_is_named(tmp_path: Path) -> None:
    with staged_target(tmp_path / "out.old") as other:
        put(other, "at work")
        with staged_target(tmp_path / "out") as stage:
            put(stage, "one")
    assert seen(tmp_path) == {"out": "one", "out.old": "at work"}


def test_a_loop_of_links_is_no_target(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("out")
    with pytest.raises(HostError, match="cannot write"), staged_target(tmp_path / "out"):
        pass
