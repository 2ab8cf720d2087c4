# SPDX-License-Identifier: Apache-2.0
"""The written reference is what the table says."""

from __future__ import annotations

from pathlib import Path

from runner.description.schema.reference import reference, write_reference
from runner.description.schema.table import rows

REFERENCE = Path(__file__).resolve().parents[4] / "docs" / "reference"


def test_the_reference_is_up_to_date() -> None:
    """``make docs`` writes it anew."""
    assert {path.name: path.read_text(encoding="utf-8") for path in REFERENCE.iterdir()} == reference()


def test_it_tells_of_every_row() -> None:
    text = "\n".join(reference().values())
    for row in rows():
        assert (f"| `{row.attribute}`" if row.attribute else f"## `<{row.element}>`") in text
        assert row.fact.meaning[1:].replace("|", "\\|") in text


def test_every_kind_of_value_is_told() -> None:
    values = reference()["values.md"]
    for row in rows():
        if isinstance(row.fact.holds, str):
            assert f"| *{row.fact.holds}* |" in values


def test_pages_of_old_are_removed(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("x", encoding="utf-8")
    write_reference(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == reference().keys()
