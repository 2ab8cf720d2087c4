# SPDX-License-Identifier: Apache-2.0
"""Values: what a piece of text may be, and how to say so."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

RNG = "{http://relaxng.org/ns/structure/1.0}"


@dataclass(frozen=True, slots=True)
class Datatype:
    """A kind of text: one of ``choices``, or text that matches ``pattern``, or any text when both are None.

    ``kind`` is its name in the grammar, and ``told`` describes it in messages.
    """

    choices: tuple[str, ...] | None = None
    pattern: str | None = None
    kind: str = ""
    told: str = ""

    def accepts(self, text: str) -> bool:
        """Tell whether ``text`` is one; white space around it does not count (xsd:token)."""
        if self.choices is not None:
            return text.strip() in self.choices
        return self.pattern is None or _compiled(self.pattern).fullmatch(" ".join(text.split())) is not None

    @property
    def expected(self) -> str:
        """What was expected, to end a sentence with."""
        if self.told or self.choices is None:
            return self.told or "text"
        return self.choices[0] if len(self.choices) == 1 else "one of " + ", ".join(self.choices)


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Only a few of all kinds of values stand in one description."""
    return re.compile(pattern, re.ASCII)


TEXT = Datatype(kind="text", told="text")
BOOLEAN = Datatype(choices=("true", "false", "1", "0"), kind="boolean", told="true or false")


def read_datatype(pattern: _Element, *, kind: str = "", told: str = "") -> Datatype:
    """Read ``<text>``, ``<data>``, ``<value>`` or a ``<choice>`` of values.

    Raises:
        ValueError: the grammar uses something this reader does not know: a mistake in the grammar.
    """
    found = str(pattern.tag).removeprefix(RNG)
    if found == "text":
        return TEXT
    if found == "value":
        return Datatype(choices=(pattern.text or "",))
    if found == "choice":
        return Datatype(choices=tuple(entry.text or "" for entry in pattern.iter(f"{RNG}value")))
    if found == "data" and pattern.get("type") == "boolean":
        return BOOLEAN
    if found == "data" and pattern.get("type") == "token":
        expression = pattern.findtext(f"{RNG}param[@name='pattern']")
        return Datatype(pattern=expression or None, kind=kind, told=told)
    raise ValueError(f"unknown datatype pattern {found} in line {pattern.sourceline}")
