# SPDX-License-Identifier: Apache-2.0
"""What a repository's owners decide for themselves, and what they cannot."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.service.config.model import Images, OwnFile, Repository, Schedule
from runner.service.config.own_file import NAME, parse_own_file, read_own_file, with_own_file
from runner.service.config.problem import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

WEEKLY = Schedule(name="weekly", cron="0 4 * * sun")
NIGHTLY = Schedule(nightly=True, jitter=60, channel="dev")
REPOSITORY = Repository(url="https://h/x", descriptions=("a",), schedules=(WEEKLY,), destination="d")


def applied(repository: Repository, data: bytes) -> Repository:
    return with_own_file(repository, parse_own_file(data))


def test_no_file_changes_nothing(tmp_path: Path) -> None:
    assert read_own_file(tmp_path) is None
    assert with_own_file(REPOSITORY, None) == applied(REPOSITORY, b"") == REPOSITORY


def test_it_lies_at_the_top_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("nightly: true")
    assert read_own_file(tmp_path) == OwnFile(nightly=True)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("there"), None])
def test_anything_but_a_small_file_is_refused(tmp_path: Path, make: Callable[[Path], None] | None) -> None:
    (tmp_path / "there").write_text("nightly: true")
    if make:
        make(tmp_path / NAME)
    else:
        (tmp_path / NAME).write_bytes(b"#" * 70_000)
    with pytest.raises(ConfigError, match=f"{NAME}: (must be a file, and no link|the file is larger)"):
        read_own_file(tmp_path)


def test_it_says_what_is_built() -> None:
    changed = applied(REPOSITORY, b"descriptions: [images/*]\nimages: {types: [oem], profiles: [[a, b], []]}")
    assert changed.descriptions == ("images/*",)
    assert changed.images == Images(types=("oem",), profiles=(("a", "b"), ()))
    assert (changed.url, changed.destination, changed.schedules) == ("https://h/x", "d", (WEEKLY,))


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ((WEEKLY,), b"nightly: true", (WEEKLY, Schedule(nightly=True))),
        ((WEEKLY, NIGHTLY), b"nightly: true", (WEEKLY, NIGHTLY)),
        ((WEEKLY, NIGHTLY), b"nightly: false", (WEEKLY,)),
        ((Schedule(cron="1 1 * * *"),), b"nightly: true", (Schedule(cron="1 1 * * *"),)),
        ((NIGHTLY,), b"nightly:", (NIGHTLY,)),
    ],
)
def test_it_says_whether_there_are_nightly_builds(
    before: tuple[Schedule, ...], text: bytes, after: tuple[Schedule, ...]
) -> None:
    assert applied(Repository(url="https://h/x", schedules=before), text).schedules == after


def test_it_counts_only_where_it_may() -> None:
    closed = Repository(url="https://h/x", own_file=False)
    assert applied(closed, b"nightly: true") == closed


@pytest.mark.parametrize(
    "text",
    [
        "url: https://evil/x",
        "environment: {A: b}",
        "destination: d",
        "boot_test: {enabled: false}",
        "commits: {signed: false}",
        "limits: {time: 0}",
        "own_file: true",
        "descriptions: [../..]",
        "descriptions: [/etc]",
        "descriptions: [1, {}]",
        "images: {profiles: [a]}",
        "nightly: 1",
        "nightly: &a [*a]",
        pytest.param("a: &a [x, x, x]\nb: &b [" + "*a," * 50 + "]\nc: [" + "*b," * 50 + "]", id="bomb"),
        pytest.param("[" * 60_000, id="deep"),
        pytest.param("#" * 70_000, id="large"),
        pytest.param("descriptions: [" + "a," * 1100 + "]", id="many"),
    ],
)
def test_anything_else_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_own_file(f"\n{text}".encode())
    assert str(caught.value).startswith(NAME)
    assert caught.value.problems[0].line in {2, 3, 4, None}


@given(st.binary(max_size=60) | st.text("[]{}&*!<>:-,'\"#|? \nab", max_size=60).map(str.encode))
def test_no_other_error_comes_of_hostile_bytes(data: bytes) -> None:
    try:
        parse_own_file(data)
    except ConfigError as error:
        assert str(error).encode()  # noqa: PT017  # most are refused, an empty one is not
