# SPDX-License-Identifier: Apache-2.0
"""Descriptions in TOML 1.0, read with the lines of all keys and with comments.

The standard library's parser decides what is valid, but knows no lines and reads numbers; so the statements are
read here once more, scalars as written.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from runner.description.formats.tree import to_tree
from runner.description.formats.values import MAX_NESTING, MAX_VALUES, Comment, Items, Scalar, Table, malformed

if TYPE_CHECKING:
    from lxml.etree import _Element

    from runner.description.formats.values import Value
    from runner.errors import DescriptionError

# Nothing but single characters is repeated possessively: with whole groups Python before 3.11.5 goes wrong.
_QUOTED = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*"'
_KEY = rf"""(?:[A-Za-z0-9_-]+|{_QUOTED}|'[^'\n]*')"""
_START = re.compile(
    rf"(?:[ \t]*+(?:\#[^\n]*+)?\r?\n)*[ \t]*(?:\[|{_KEY}(?:[ \t]*\.[ \t]*{_KEY}){{0,9}}[ \t]*=(?!=))"
)
_PART = re.compile(_KEY)
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_BLANK = re.compile(r"[ \t]*+(\#[^\n]*+)?(\r?\n)?")
_SCALAR = re.compile(
    r'''"""[^"\\]*+(?:(?:\\[\s\S]|""?(?!"))[^"\\]*+)*"{3,5}|'''
    rf"{_QUOTED}"
    r"""|\'\'\'[^']*+(?:''?(?!')[^']*+)*'{3,5}|'[^'\n]*'"""
    r"""|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt\ ][0-9]{2}:[^\s,\]}#]*|[^\s,\[\]{}="'#]+"""
)
_AT_LINE = re.compile(r" \(at line ([0-9]+), column [0-9]+\)$")


def sniff(text: str) -> bool:
    """Tell TOML by a first line that is a table's head or sets a key."""
    return _START.match(text) is not None


def parse(text: str, name: str) -> _Element:
    """Parse a whole document.

    Raises:
        DescriptionError: malformed, absurdly deep or large, or no tree of elements.
    """
    reader = _Reader(text, name)
    statements = reader.statements()
    if fault := _fault(text, name):
        raise fault
    return to_tree(_build(statements), name, reader.comments)


def _fault(text: str, name: str) -> DescriptionError | None:
    try:
        tomllib.loads(text)
    except RecursionError:
        return malformed("TOML", name, None, "values nest too deep")
    except ValueError as error:
        place = _AT_LINE.search(str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        return malformed("TOML", name, line, _AT_LINE.sub("", str(error)).removesuffix(" (at end of document)"))
    return None


@dataclass(frozen=True, slots=True)
class _Statement:
    """``[path]``, ``[[path]]`` (an array) or ``path = value``."""

    line: int
    path: tuple[str, ...]
    array: bool = False
    value: Value | None = None


@dataclass(slots=True)
class _Reader:
    """A place in the text and the line it is on."""

    text: str
    name: str
    place: int = 0
    line: int = 1
    count: int = 0
    comments: list[Comment] = field(default_factory=list)

    def statements(self) -> list[_Statement]:
        found: list[_Statement] = []
        self._blanks()
        while self.place < len(self.text):
            self._account()
            found.append(self._header() if self.text[self.place] == "[" else self._pair())
            if self._blanks() == 0 and self.place < len(self.text):
                raise self._wrong()
        return found

    def _header(self) -> _Statement:
        line, array = self.line, self.text.startswith("[[", self.place)
        self._skip("[[" if array else "[")
        path = self._path()
        self._skip("]]" if array else "]")
        return _Statement(line, path, array)

    def _pair(self) -> _Statement:
        line, path = self.line, self._path()
        self._skip("=")
        return _Statement(line, path, value=self._value(0))

    def _path(self) -> tuple[str, ...]:
        path: list[str] = []
        while True:
            self._account()
            path.append(self._string(self._match(_PART)))
            if len(path) > MAX_NESTING:
                raise malformed("TOML", self.name, self.line, f"a key of more than {MAX_NESTING} parts")
            dot = _DOT.match(self.text, self.place)
            if dot is None:
                self._spaces()
                return tuple(path)
            self.place = dot.end()

    def _value(self, depth: int) -> Value:
        self._account()
        line = self.line
        if depth > MAX_NESTING:
            raise malformed("TOML", self.name, line, f"values nest deeper than {MAX_NESTING}")
        if self.text.startswith("[", self.place):
            return Items(line, self._values(depth))
        if self.text.startswith("{", self.place):
            return _build(self._inline(depth), line)
        token = self._match(_SCALAR)
        text = self._string(token)
        self.line += token.count("\n")
        return Scalar(line, text)

    def _values(self, depth: int) -> tuple[Value, ...]:
        values: list[Value] = []
        self._skip("[")
        self._blanks()
        while not self.text.startswith("]", self.place):
            values.append(self._value(depth + 1))
            self._blanks()
            if not self.text.startswith("]", self.place):
                self._skip(",")
                self._blanks()
        self.place += 1
        return tuple(values)

    def _inline(self, depth: int) -> list[_Statement]:
        found: list[_Statement] = []
        self._skip("{")
        while not self.text.startswith("}", self.place):
            line, path = self.line, self._path()
            self._skip("=")
            found.append(_Statement(line, path, value=self._value(depth + 1)))
            self._spaces()
            if not self.text.startswith("}", self.place):
                self._skip(",")
        self.place += 1
        return found

    def _string(self, token: str) -> str:
        quote = token[0]
        if quote not in "\"'":
            return token
        if "\\" not in token and token[:3] not in {'"""', "'''"}:
            return token[1:-1]
        try:
            text: str = tomllib.loads(f"v={token}")["v"]
        except ValueError:
            raise self._wrong() from None
        return text

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.place)
        if found is None:
            raise self._wrong()
        self.place = found.end()
        return found[0]

    def _skip(self, mark: str) -> None:
        """Go past ``mark`` and the spaces on both sides of it."""
        self._spaces()
        if not self.text.startswith(mark, self.place):
            raise self._wrong()
        self.place += len(mark)
        if mark not in {"]", "]]"}:
            self._spaces()

    def _spaces(self) -> None:
        while self.text[self.place : self.place + 1] in {" ", "\t"}:
            self.place += 1

    def _blanks(self) -> int:
        """Go past white space, line ends and comments, and return how many lines ended."""
        ended = 0
        while found := _BLANK.match(self.text, self.place):
            if found[1]:
                self._account()
                begin = self.text.rfind("\n", 0, found.start()) + 1
                trailing = bool(self.text[begin : found.start()].strip())
                self.comments.append(Comment(self.line, found[1][1:].strip(), trailing))
            self.place = found.end()
            if found[2] is None:
                return ended
            ended += 1
            self.line += 1
        return ended

    def _account(self) -> None:
        self.count += 1
        if self.count > MAX_VALUES:
            raise malformed("TOML", self.name, self.line, f"more than {MAX_VALUES} values")

    def _wrong(self) -> DescriptionError:
        """Return the error for this place, in the words of the standard parser where it agrees."""
        end = self.text.find("\n", self.place)
        read = self.text[: end if end >= 0 else len(self.text)]
        return _fault(read, self.name) or malformed("TOML", self.name, self.line, "this is no TOML")


@dataclass(slots=True)
class _Node:
    """A table that later statements may add to."""

    line: int
    entries: dict[str, _Entry] = field(default_factory=dict)

    def descend(self, part: str, line: int) -> _Node:
        entry = self.entries.setdefault(part, _Node(line))
        if isinstance(entry, list):
            return entry[-1]
        return entry if isinstance(entry, _Node) else _Node(line)  # the parser refuses what is no table

    def add(self, part: str, line: int) -> _Node:
        entry = self.entries.setdefault(part, [])
        if isinstance(entry, list):
            entry.append(_Node(line))
        return self.descend(part, line)

    def freeze(self) -> Table:
        return Table(self.line, tuple((key, _frozen(entry, self.line)) for key, entry in self.entries.items()))


_Entry: TypeAlias = "_Node | list[_Node] | Value"


def _frozen(entry: _Entry, line: int) -> Value:
    if isinstance(entry, list):
        return Items(entry[0].line if entry else line, tuple(node.freeze() for node in entry))
    return entry.freeze() if isinstance(entry, _Node) else entry


def _build(statements: list[_Statement], line: int = 1) -> Table:
    top = current = _Node(line)
    for statement in statements:
        node = top if statement.value is None else current
        for part in statement.path[:-1]:
            node = node.descend(part, statement.line)
        last = statement.path[-1]
        if statement.value is not None:
            node.entries[last] = statement.value
        elif statement.array:
            current = node.add(last, statement.line)
        else:
            current = node.descend(last, statement.line)
    return top.freeze()
