# SPDX-License-Identifier: Apache-2.0
"""What a repository's owners decide for themselves, and what they cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.service.config.model import Images, Repository, Schedule
from runner.service.config.own_file import NAME, parse_own_file, with_own_file
from runner.service.config.problem import ConfigError

WEEKLY = Schedule(name="weekly", cron="0 4 * * sun")
NIGHTLY = Schedule(nightly=True, jitter=60, channel="dev")
REPOSITORY = Repository(url="https://h/x", descriptions=("a",), schedules=(WEEKLY,), destination="d")


def test_no_file_changes_nothing() -> None:
    assert with_own_file(REPOSITORY, None) == with_own_file(REPOSITORY, b"") == REPOSITORY


def test_it_says_what_is_built() -> None:
    changed = with_own_file(
        REPOSITORY, b"descriptions: [images/*]\nimages: {types: [oem], profiles: [[a, b], []]}"
    )
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
    assert with_own_file(Repository(url="https://h/x", schedules=before), text).schedules == after


def test_one_that_does_not_count_is_not_read() -> None:
    closed = Repository(url="https://h/x", own_file=False)
    assert with_own_file(closed, b"nightly: [") == closed


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
