# SPDX-License-Identifier: Apache-2.0
"""Prefixes of repository addresses and what takes their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.plan.repository_map import mapped


@pytest.mark.parametrize(
    ("start", "to", "uri", "result"),
    [
        ("obs:", "https://d/r", "obs://Virt:Tools:New/SLE_15", "https://d/r/Virt:/Tools:/New/SLE_15"),
        ("obs://", "https://d/r/", "obs://Virt/SLE", "https://d/r/Virt/SLE"),
        ("obs:", "https://d/r", "obs:Virt:Tools/SLE", "https://d/r/Virt:/Tools/SLE"),
        ("obs://Virt", "https://d/Virt", "obs://Virt:Tools/SLE", "https://d/Virt:/Tools/SLE"),
        ("obs://Virt:", "https://d/V", "obs://Virt:Tools/SLE", "https://d/V/Tools/SLE"),
        ("obs://Virt:Tools", "https://d/vt", "obs://Virt:Tools/SLE_15:Up", "https://d/vt/SLE_15:Up"),
        ("obs://Virt:Tools/SLE", "https://d/vt", "obs://Virt:Tools/SLE", "https://d/vt"),
        ("obs://Virt", "https://d", "obs://Virtual/SLE", None),
        ("obsrepositories:", "https://d/all", "obsrepositories:/", "https://d/all"),
        ("obs:", "https://d", "obsrepositories:/", None),
        ("http:", "https:", "http://h/x", "https://h/x"),
        ("http://h", "https://m/h", "http://h/x?y=1", "https://m/h/x?y=1"),
        ("http://h/", "https://m", "http://h/x", "https://m/x"),
        ("mirror://debian", "https://m", "mirror://debian-security", None),
        ("mirror://debian", "https://m", "mirror://debian", "https://m"),
    ],
)
def test_one_prefix(start: str, to: str, uri: str, result: str | None) -> None:
    assert mapped(uri, ((start, to),)) == (uri if result is None else result)


def test_the_longest_prefix_counts_and_of_equal_ones_the_first() -> None:
    table = (("obs:", "https://all"), ("obs://A:B", "https://one"), ("obs://A:B", "https://two"))
    assert mapped("obs://A:B/r", table) == "https://one/r"
    assert mapped("obs://A:C/r", table) == "https://all/A:/C/r"


@given(st.text(), st.lists(st.tuples(st.text(), st.text())))
def test_any_text_is_left_alone_or_begins_as_the_map_says(uri: str, table: list[tuple[str, str]]) -> None:
    result = mapped(uri, table)
    assert result == uri or any(result.startswith(to) for _, to in table)
