# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.byte_size import byte_size, size_text
from runner.service.config.durations import duration_text, seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("90", 90), ("90s", 90), ("5m", 300), ("1.5h", 5400), ("0.1m", 6), ("30d", 2592000)],
)
def test_durations(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    "text", ["", "m", "-1", "+1", "5 m", "5M", "1h30m", "1e3", ".5", "5.", "inf", "nan", "\u0661", "9" * 40]
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0s"), (90, "90s"), (300, "5m"), (172800, "2d"), (0.25, "0.25s"), (1e8, "100000000s")],
)
def test_durations_are_written_short(value: float, text: str) -> None:
    assert duration_text(value) == text


@given(st.floats(min_value=0, max_value=1e9, allow_nan=False).filter(lambda value: not 0 < value < 1e-3))
def test_what_is_written_is_read(value: float) -> None:
    assert seconds(duration_text(value)) == value


@given(st.integers(0, 10**17))
def test_sizes_that_are_written_are_read(size: int) -> None:
    assert byte_size(size_text(size)) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (1023, "1023"), (1024, "1K"), (64 << 20, "64M"), (50 << 30, "50G"), (3 << 40, "3T")],
)
def test_sizes_are_written_short(size: int, text: str) -> None:
    assert size_text(size) == text
