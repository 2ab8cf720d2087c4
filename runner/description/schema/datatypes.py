# SPDX-License-Identifier: Apache-2.0
"""Values: what a piece of text may be, and how to say so."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable


class Datatype(msgspec.Struct, frozen=True, omit_defaults=True):
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

    def quick_check(self) -> Callable[[str], object]:
        """Return what is true only for texts that are accepted, white space and all: one call, none in Python."""
        if self.choices is not None:
            return frozenset(self.choices).__contains__
        return _compiled(self.pattern).fullmatch if self.pattern else _compiled("").match

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
