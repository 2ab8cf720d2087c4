# SPDX-License-Identifier: Apache-2.0
"""Descriptions in JSON (RFC 8259), read with the lines of all values and with numbers as they are written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runner.description.formats.tree import to_tree
from runner.description.formats.values import (
    MAX_NESTING,
    MAX_VALUES,
    Items,
    Scalar,
    Table,
    malformed,
    short,
    twice,
)

if TYPE_CHECKING:
    from lxml.etree import _Element

    from runner.description.formats.values import Value

_START = re.compile(r'\s*\{\s*(?:"|\}|$)')
_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
      (?P<mark>[{}\[\]:,])
    | (?P<string>"[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*")
    | (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w.])
    | (?P<word>true|false|null)(?!\w)
    )""",
    re.VERBOSE,
)
_SPACE = re.compile(r"[ \t\r\n]*")


def sniff(text: str) -> bool:
    """Tell JSON by a brace and a key in double quotes; YAML's braces need no quotes."""
    return _START.match(text) is not None


def parse(text: str, name: str) -> _Element:
    """Parse a whole document.

    Raises:
        DescriptionError: malformed, a key twice, absurdly deep or large, or no tree of elements.
    """
    reader = _Reader(text, name)
    value = reader.value(0)
    reader.end()
    return to_tree(value, name)


@dataclass(slots=True)
class _Reader:
    """A place in the text and the line it is on."""

    text: str
    name: str
    place: int = 0
    line: int = 1
    symbol: str = field(default="", init=False)
    kind: str = field(default="", init=False)
    count: int = 0

    def value(self, depth: int) -> Value:
        self._next("a value")
        line = self.line
        self.count += 1
        if depth > MAX_NESTING:
            raise malformed("JSON", self.name, line, f"values nest deeper than {MAX_NESTING}")
        if self.count > MAX_VALUES:
            raise malformed("JSON", self.name, line, f"more than {MAX_VALUES} values")
        if self.symbol == "{":
            return Table(line, self._entries(depth))
        if self.symbol == "[":
            return Items(line, self._values(depth))
        if self.kind == "mark":
            raise malformed("JSON", self.name, line, f"a value was expected, not {self.symbol!r}")
        if self.kind == "string":
            return Scalar(line, self._string())
        return Scalar(line, "" if self.symbol == "null" else self.symbol)

    def end(self) -> None:
        self._skip()
        if self.place < len(self.text):
            raise malformed("JSON", self.name, self.line, "something follows the end of the document")

    def _entries(self, depth: int) -> tuple[tuple[str, Value], ...]:
        entries: dict[str, Value] = {}
        if self._ends("}"):
            return ()
        while True:
            self._next("a key in double quotes")
            if self.kind != "string":
                raise malformed("JSON", self.name, self.line, f"a key was expected, not {short(self.symbol)!r}")
            key = self._string()
            if key in entries:
                raise twice(self.name, self.line, key)
            self._expect(":")
            entries[key] = self.value(depth + 1)
            if self._expect(",", "}") == "}":
                return tuple(entries.items())

    def _values(self, depth: int) -> tuple[Value, ...]:
        values: list[Value] = []
        if self._ends("]"):
            return ()
        while True:
            values.append(self.value(depth + 1))
            if self._expect(",", "]") == "]":
                return tuple(values)

    def _string(self) -> str:
        if "\\" not in self.symbol:
            return self.symbol[1:-1]
        try:
            text: str = json.loads(self.symbol)
        except ValueError:
            raise malformed("JSON", self.name, self.line, f"unknown escape in {short(self.symbol)}") from None
        return text

    def _ends(self, mark: str) -> bool:
        self._skip()
        if not self.text.startswith(mark, self.place):
            return False
        self.place += 1
        return True

    def _expect(self, *marks: str) -> str:
        self._next(" or ".join(marks))
        if self.symbol not in marks:
            wanted = " or ".join(repr(mark) for mark in marks)
            raise malformed("JSON", self.name, self.line, f"{wanted} was expected, not {short(self.symbol)!r}")
        return self.symbol

    def _next(self, wanted: str) -> None:
        """Read one token; no token spans lines."""
        found = _TOKEN.match(self.text, self.place)
        if found is None:
            self._skip()
            rest = short(self.text[self.place : self.place + 20].partition("\n")[0])
            why = f"{wanted} was expected, not {rest!r}" if rest else f"{wanted} was expected, the text ends"
            raise malformed("JSON", self.name, self.line, why)
        self.kind = kind = str(found.lastgroup)
        self.symbol = found[kind]
        start = found.start(kind)
        if start > self.place:
            self.line += self.text.count("\n", self.place, start)
        self.place = found.end()

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.place)
        if found is not None and found.end() > self.place:
            self.line += self.text.count("\n", self.place, found.end())
            self.place = found.end()
