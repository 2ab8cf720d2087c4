# SPDX-License-Identifier: Apache-2.0
"""Values: what a piece of text may be, and how to say so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

RNG = "{http://relaxng.org/ns/structure/1.0}"


@dataclass(frozen=True, slots=True)
class Datatype:
    """A kind of text: one of ``choices``, or text that matches ``pattern``, or any text when both are None."""

    choices: tuple[str, ...] | None = None
    pattern: re.Pattern[str] | None = None
    told: str = ""

    def accepts(self, text: str) -> bool:
        """Tell whether ``text`` is one; white space around it does not count (xsd:token)."""
        if self.choices is not None:
            return text.strip() in self.choices
        return self.pattern is None or self.pattern.fullmatch(" ".join(text.split())) is not None

    @property
    def expected(self) -> str:
        """What was expected, to end a sentence with."""
        return self.told or "one of " + ", ".join(self.choices or ())


TEXT = Datatype(told="text")
BOOLEAN = Datatype(choices=("true", "false", "1", "0"), told="true or false")


def read_datatype(pattern: _Element, told: str) -> Datatype:
    """Read ``<text>``, ``<data>``, ``<value>`` or a ``<choice>`` of values; ``told`` describes it in messages.

    Raises:
        ValueError: the grammar uses something this reader does not know: a mistake in the grammar.
    """
    kind = str(pattern.tag).removeprefix(RNG)
    if kind == "text":
        return TEXT
    if kind == "value":
        return Datatype(choices=(pattern.text or "",))
    if kind == "choice":
        return Datatype(choices=tuple(entry.text or "" for entry in pattern.iterchildren(f"{RNG}value")))
    if kind == "data" and pattern.get("type") == "boolean":
        return BOOLEAN
    if kind == "data" and pattern.get("type") == "token":
        expression = pattern.findtext(f"{RNG}param[@name='pattern']")
        return Datatype(pattern=re.compile(expression, re.ASCII) if expression else None, told=told)
    raise ValueError(f"unknown datatype pattern {kind} in line {pattern.sourceline}")
