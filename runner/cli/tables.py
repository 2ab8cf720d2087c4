# SPDX-License-Identifier: Apache-2.0
"""Columns and paragraphs of plain text, for results that people read."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GAP = "  "
_WIDEST, _NARROWEST = 120, 60


def table(rows: Iterable[Sequence[str]], *, indent: str = "") -> list[str]:
    """Return one line a row, each column as wide as its widest cell; the last is not filled up."""
    cells = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        (indent + _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in cells
    ]


def paragraph(label: str, text: str, *, width: int = 14) -> list[str]:
    """Return ``label`` in a column of ``width``, and ``text`` beside it, wrapped at the terminal's edge."""
    columns = min(_WIDEST, max(_NARROWEST, shutil.get_terminal_size((100, 24)).columns))
    lines = textwrap.wrap(text, columns - width, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"{(label if number == 0 else ''):<{width}}{line}".rstrip() for number, line in enumerate(lines)]
