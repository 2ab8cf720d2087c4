# SPDX-License-Identifier: Apache-2.0
"""Descriptions in YAML 1.1, read from the parser's events: with lines and comments, and scalars as written.

Anchors, aliases and merge keys work, within the limits of a description; tags, several documents and keys that
stand twice are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.description.formats.tree import to_tree
from runner.description.formats.values import (
    MAX_NESTING,
    MAX_VALUES,
    Comment,
    Items,
    Scalar,
    Table,
    malformed,
    short,
    twice,
)
from runner.errors import DescriptionError, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from runner.description.formats.values import Value

_START = re.compile(
    r"""(?:[ \t]*+(?:\#[^\n]*+)?\n)*
    (?:---|%YAML
      |[ \t]*(?:"[^"\n]*"|'[^'\n]*')[ \t]*:(?=\s|$)
      |[ \t]*[A-Za-z_&?!{][^\n]*?(?::(?=\s|$)|\}))""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"(?:^|(?<=\s))#([^\n]*)")
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TEXT_TAG = "tag:yaml.org,2002:str"
_MERGE = "<<"


def sniff(text: str) -> bool:
    """Tell YAML by a document mark or a first line with a key."""
    return _START.match(text) is not None


def parse(text: str, name: str) -> _Element:
    """Parse a whole document.

    Raises:
        DescriptionError: malformed, a tag, a key twice, several documents, absurdly deep or large, or no tree of
            elements.
    """
    import yaml

    reader = _Reader(text, name)
    try:
        for event in _events(text):
            reader.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        why = " ".join(filter(None, (getattr(error, "problem", None), getattr(error, "context", None))))
        raise malformed("YAML", name, mark.line + 1 if mark else None, why or str(error)) from None
    if reader.document is None:
        raise DescriptionError("the description is empty", where=Location(name))
    return to_tree(reader.document, name, reader.comments)


def _events(text: str) -> Iterator[Any]:
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


@dataclass(slots=True)
class _Open:
    """A list or table whose end has not come yet; a table's key waits in ``key`` for its value."""

    line: int
    anchor: str | None
    table: bool
    values: list[Value] = field(default_factory=list)
    entries: dict[str, Value] = field(default_factory=dict)
    merged: list[Value] = field(default_factory=list)
    key: str | None = None


@dataclass(slots=True)
class _Reader:
    """Puts events together; a stack of its own instead of recursion bounds depth."""

    text: str
    name: str
    document: Value | None = None
    comments: list[Comment] = field(default_factory=list)
    _stack: list[_Open] = field(default_factory=list)
    _anchors: dict[str, Value] = field(default_factory=dict)
    _count: int = 0
    _end: int = 0

    def take(self, event: Any) -> None:
        import yaml

        self._gap(event)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event, table=isinstance(event, yaml.MappingStartEvent))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.DocumentStartEvent) and self.document is not None:
            raise self._refused(
                event, "a second document in one file", "put each description in a file of its own"
            )

    def _gap(self, event: Any) -> None:
        """Collect the comments between two events: only indicators and white space stand there otherwise."""
        start, end = event.start_mark.index, event.end_mark.index
        gap = self.text[self._end : start] if start > self._end else ""
        if "#" in gap:
            line, counted = event.start_mark.line + 1 - gap.count("\n"), 0
            for found in _COMMENT.finditer(gap):
                self._account(1, line)
                line, counted = line + gap.count("\n", counted, found.start()), found.start()
                place = self._end + found.start()
                before = self.text[self.text.rfind("\n", 0, place) + 1 : place]
                self.comments.append(Comment(line, found[1].strip(), bool(before.strip())))
        self._end = max(self._end, end)

    def _scalar(self, event: Any) -> None:
        line = event.start_mark.line + 1
        tag = event.tag
        if tag not in {None, "!", _TEXT_TAG}:
            raise self._tag(event, tag)
        text = event.value
        plain = event.implicit[0] and tag is None and not event.style
        if self._awaits_key():
            self._key(text, line, merge=plain and text == _MERGE)
            return
        if plain and text in _TRUE | _FALSE:
            text = "true" if text in _TRUE else "false"
        elif plain and text in _NULL:
            text = ""
        self._put(Scalar(line, text), event.anchor)

    def _alias(self, event: Any) -> None:
        if self._awaits_key():
            raise self._refused(event, "an alias as a key", "write the key out")
        if event.anchor not in self._anchors:
            raise self._refused(
                event, f"the alias {short(event.anchor)!r} has no anchor before it", "write the value out"
            )
        self._put(self._anchors[event.anchor], None)

    def _open(self, event: Any, *, table: bool) -> None:
        if event.tag not in {None, "!"}:
            raise self._tag(event, event.tag)
        if self._awaits_key():
            raise self._refused(event, "a list or table as a key", "keys are names of elements and attributes")
        if len(self._stack) >= MAX_NESTING:
            raise self._refused(event, f"values nest deeper than {MAX_NESTING}", "no image description needs that")
        self._stack.append(_Open(event.start_mark.line + 1, event.anchor, table))

    def _close(self) -> None:
        done = self._stack.pop()
        if not done.table:
            self._put(Items(done.line, tuple(done.values)), done.anchor)
            return
        for source in done.merged:
            self._merge(done, source)
        self._put(Table(done.line, tuple(done.entries.items())), done.anchor)

    def _merge(self, into: _Open, source: Value) -> None:
        for table in source.values if isinstance(source, Items) else (source,):
            if not isinstance(table, Table):
                raise DescriptionError(
                    "only tables can be merged",
                    where=Location(self.name, source.line),
                    hint=f"the value of {_MERGE} is an alias of a table, or a list of such",
                )
            self._account(len(table.entries), into.line)
            for key, value in table.entries:
                into.entries.setdefault(key, value)

    def _awaits_key(self) -> bool:
        return bool(self._stack) and self._stack[-1].table and self._stack[-1].key is None

    def _key(self, text: str, line: int, *, merge: bool) -> None:
        top = self._stack[-1]
        if text in top.entries or (merge and top.merged):
            raise twice(self.name, line, text)
        top.key = _MERGE if merge else text
        if not merge:
            top.entries[text] = Scalar(line, "")  # holds the key's place

    def _put(self, value: Value, anchor: str | None) -> None:
        self._account(1, value.line)
        if anchor is not None:
            self._anchors[anchor] = value
        if not self._stack:
            self.document = value
            return
        top = self._stack[-1]
        if not top.table:
            top.values.append(value)
        elif top.key is not None:
            if top.key in top.entries:
                top.entries[top.key] = value
            else:
                top.merged.append(value)
            top.key = None

    def _account(self, count: int, line: int) -> None:
        self._count += count
        if self._count > MAX_VALUES:
            raise DescriptionError(f"more than {MAX_VALUES} values", where=Location(self.name, line))

    def _tag(self, event: Any, tag: str) -> DescriptionError:
        return self._refused(event, f"the tag {short(tag)!r} is not allowed", "remove the tag: texts need none")

    def _refused(self, event: Any, what: str, hint: str) -> DescriptionError:
        return DescriptionError(what, where=Location(self.name, event.start_mark.line + 1), hint=hint)
