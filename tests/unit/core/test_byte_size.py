# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from runner.byte_size import byte_size


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("17", 17), ("1k", 1024), (" 700M ", 700 << 20), ("4g", 4 << 30), ("1T", 1 << 40)]
)
def test_units_are_powers_of_1024(text: str, size: int) -> None:
    assert byte_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1", "1.5G", "1GB", "1 G", "\u0661", "9" * 30])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        byte_size(text)
