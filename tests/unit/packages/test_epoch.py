# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from runner.errors import UsageError
from runner.packages.epoch import epoch


def test_the_newest_counts_and_the_variable_wins() -> None:
    assert epoch(10, [5, 20, 7], {}) == 20
    assert epoch(30, [5, 20, 7], {}) == 30
    assert epoch(30, [5], {"SOURCE_DATE_EPOCH": "12"}) == 12
    assert epoch(30, [5], {"SOURCE_DATE_EPOCH": ""}) == 30


def test_no_package_and_no_commit_is_no_crash() -> None:
    assert epoch(None, [], {}) == 0
    assert epoch(7, [], {}) == 7


@pytest.mark.parametrize("value", ["\u00b2", "\u0661\u0662", "-1", "1.5", "today", " 12", "1" * 30])
def test_what_is_no_number_of_seconds_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        epoch(1, [], {"SOURCE_DATE_EPOCH": value})
