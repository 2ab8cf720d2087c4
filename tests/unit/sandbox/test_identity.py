# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.sandbox import identity
from runner.sandbox.identity import first_free, largest_range

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", 0),
        ("ada:100000:65536\n", 65536),
        ("bob:100000:65536\n", 0),
        ("1000:100000:65536\n", 65536),
        ("ada:100000:1000\nada:300000:70000\n", 70000),
        ("ada:100000:65536", 65536),
        ("ada:100000\nada\n:::\n", 0),
        ("ada:100000:many\nada:x:65536\n", 0),
        ("ada:100000:" + "9" * 5000, 0),
        ("# ada:100000:65536\n", 0),
    ],
)
def test_the_largest_range_counts(text: str, size: int) -> None:
    assert largest_range(text, {"ada", "1000"}) == size


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert largest_range(text, {"ada"}) >= 0


@given(st.lists(st.integers(1, 2**32 - 1), min_size=1))
def test_the_largest_of_any_order(sizes: list[int]) -> None:
    text = "".join(f"ada:100000:{size}\n" for size in sizes)
    assert largest_range(text, {"ada"}) == max(sizes)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("", 100000),
        ("ada:100000:65536\n", 165536),
        ("bob:300000:65536\nada:100000:65536\n", 365536),
        ("low:1000:10\n", 100000),
    ],
)
def test_a_new_range_touches_no_other(text: str, first: int) -> None:
    assert first_free(text) == first


def test_a_missing_file_is_no_range(tmp_path: Path) -> None:
    assert identity._range_size(tmp_path / "subuid", "ada") == 0


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="asks what root is told")
def test_root_needs_no_namespace() -> None:
    if identity.in_user_namespace():
        assert identity.probe() == identity.Identity("subuid", ())
    else:
        assert identity.probe() == identity.Identity("root", ())
