# SPDX-License-Identifier: Apache-2.0
"""The column of image types: each attribute and element with every type, allowed or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.description import check, load
from runner.description.schema.table import rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.description.schema.table import Row

IMAGES = next(row.fact.holds for row in rows() if (row.element, row.attribute) == ("type", "image"))
LIMITED = [row for row in rows() if row.for_types]
KINDS = {
    "boolean": "true", "number": "12", "size": "1", "words": "x", "text": "x", "disk-format": "qcow2",
    "volume-id": "A", "application-id": "A", "verity-blocks": "1", "file-attributes": "no-copy-on-write",
    "guid": "01234567-89ab-cdef-0123-456789abcdef",
}  # fmt: skip
CHILDREN = {
    "containerconfig": '<containerconfig name="a"/>',
    "bootloader": '<bootloader name="grub2"/>',
    "initrd": '<initrd action="add"/>',
    "luksformat": '<luksformat><option name="--a"/></luksformat>',
    "vagrantconfig": '<vagrantconfig provider="libvirt" virtualsize="1"/>',
}


def _type(row: Row, image: str) -> str:
    if not row.attribute:
        return f'<type image="{image}">{CHILDREN.get(row.element, f"<{row.element}/>")}</type>'
    value = row.fact.holds[0] if isinstance(row.fact.holds, tuple) else KINDS[row.fact.holds or ""]
    return f'<type image="{image}" {row.attribute}="{value}"/>'


@pytest.mark.parametrize("row", LIMITED, ids=lambda row: row.attribute or row.element)
def test_for_types(write: Callable[..., Path], row: Row) -> None:
    assert isinstance(IMAGES, tuple)
    types = "\n".join(_type(row, image) for image in IMAGES)
    body = f"<preferences><version>1.0.0</version><packagemanager>apt</packagemanager>\n{types}</preferences>"
    description = load(write(body, preferences=False))
    found = {
        ((finding.where.line if finding.where else None) or 0): finding
        for finding in check(description)
        if finding.id in {"type_allows", "type_uses"}
    }
    first = description.preferences[0].types[0].at.line or 0
    refused = {number for number, image in enumerate(IMAGES, first) if image not in row.for_types}
    assert found.keys() == refused
    severity = "error" if row.fact.serves else "warning"
    for line, finding in found.items():
        assert finding.severity == severity
        assert (f"`{row.attribute}`" if row.attribute else f"<{row.element}>") in finding.message
        assert IMAGES[line - first] in finding.message


def test_the_column_names_image_types() -> None:
    assert len(LIMITED) > 90
    assert {image for row in LIMITED for image in row.for_types} <= set(IMAGES or ())
    assert not [row for row in LIMITED if row.element != "type" and (row.attribute or "type" not in row.within)]
