# SPDX-License-Identifier: Apache-2.0
"""Rules about image types: what only some of them may have, and what does nothing with the others."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule
from runner.description.schema.table import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.description.model.types import ImageType
    from runner.description.rules.rule import Found, Subject
    from runner.description.schema.table import Fact
    from runner.errors import Location


def _refused(subject: Subject) -> Found:
    """Some settings make sense for some images only."""
    for image_type, named, fact, where in _used(subject):
        if fact.serves and image_type.image not in fact.serves:
            yield f"{named} is not for {image_type.image} images, only for {', '.join(fact.serves)}", where


def _without_effect(subject: Subject) -> Found:
    """Some settings are read for some images only."""
    for image_type, named, fact, where in _used(subject):
        if fact.used_by and image_type.image not in fact.used_by:
            yield f"{named} does nothing in {image_type.image} images, only in {', '.join(fact.used_by)}", where


def _used(subject: Subject) -> Iterator[tuple[ImageType, str, Fact, Location]]:
    """Yield the attributes and children of all types that are not for every image."""
    attributes, elements = _limited()
    for image_type in (entry for block in subject.description.preferences for entry in block.types):
        for name in image_type.attributes:
            if name in attributes:
                yield image_type, f"`{name}`", attributes[name], image_type.at
        for child in image_type.children:
            if child.name in elements:
                yield image_type, f"<{child.name}>", elements[child.name], child.at


@functools.cache
def _limited() -> tuple[dict[str, Fact], dict[str, Fact]]:
    """Return the attributes and the children of ``<type>`` that are for some images only, by name."""
    limited = [row for row in rows() if row.for_types]
    attributes = {row.attribute: row.fact for row in limited if row.element == "type"}
    return attributes, {row.element: row.fact for row in limited if "type" in row.within and not row.attribute}


RULES = (
    Rule("type_allows", "error", "remove it, or choose another image type", _refused),
    Rule("type_uses", "warning", "remove it", _without_effect),
)
