# SPDX-License-Identifier: Apache-2.0
"""Which file of a folder is the description."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.description.find import find_kiwi_file
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from pathlib import Path


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("<image/>")


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (("config.xml", "image/config.xml", "a.kiwi"), "config.xml"),
        (("image/config.xml", "a.kiwi"), "image/config.xml"),
        (("b.kiwi", "a.kiwi"), "a.kiwi"),
        (("B.kiwi", "a.kiwi"), "B.kiwi"),
    ],
)
def test_order_of_lookup(tmp_path: Path, files: tuple[str, ...], found: str) -> None:
    touch(tmp_path, *files)
    assert find_kiwi_file(tmp_path) == found


def test_the_name_given_wins(tmp_path: Path) -> None:
    touch(tmp_path, "config.xml", "b.kiwi")
    assert find_kiwi_file(tmp_path, "b.kiwi") == "b.kiwi"


def test_a_name_given_that_is_missing_is_not_replaced_by_another(tmp_path: Path) -> None:
    touch(tmp_path, "config.xml")
    with pytest.raises(DescriptionError, match=r"no file b\.kiwi"):
        find_kiwi_file(tmp_path, "b.kiwi")


def test_nothing_found_says_what_was_looked_for(tmp_path: Path) -> None:
    touch(tmp_path, "readme.txt")
    with pytest.raises(DescriptionError) as caught:
        find_kiwi_file(tmp_path)
    assert "config.xml" in str(caught.value)


@pytest.mark.parametrize("name", ["../outside.kiwi", "/etc/passwd", "", "a\nb"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    touch(tmp_path, "outside.kiwi")
    with pytest.raises(DescriptionError, match="is not a path inside"):
        find_kiwi_file(inner, name)


def test_a_name_longer_than_there_can_be_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="no file nnn"):
        find_kiwi_file(tmp_path, "n" * 5000)
