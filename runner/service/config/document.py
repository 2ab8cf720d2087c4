# SPDX-License-Identifier: Apache-2.0
"""From the bytes of a YAML file to values that know their line.

Scalars stay as they are written, so that a branch may be called 1.10; what YAML takes them for is kept beside.
Anchors, aliases and merge keys work, as far as a file's bounds allow; tags, several documents and keys that stand
twice are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from runner.service.config.problem import ConfigError, Problem, short

if TYPE_CHECKING:
    from yaml.nodes import Node

Kind = Literal["text", "number", "switch", "nothing"]

_DEEPEST = 32
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_KINDS: dict[str, Kind] = {
    f"{_TAG}str": "text",
    f"{_TAG}timestamp": "text",
    f"{_TAG}value": "text",
    f"{_TAG}merge": "text",
    f"{_TAG}int": "number",
    f"{_TAG}float": "number",
    f"{_TAG}bool": "switch",
    f"{_TAG}null": "nothing",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a file may hold: ``size`` bytes, and ``values`` once every alias is written out."""

    size: int
    values: int


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value: its ``text`` as written, and what YAML takes it for."""

    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Value:
    """``line`` is that of its key in a table, and where it begins elsewhere."""

    line: int
    data: Data


Data: TypeAlias = "Scalar | list[Value] | dict[str, Value]"


def read_document(data: bytes, name: str, bounds: Bounds) -> Value:
    """Read the one document of a file; an empty file is an empty table.

    Raises:
        ConfigError: too large or too deep, not UTF-8, not YAML, or something in it that is refused.
    """
    import yaml

    if len(data) > bounds.size:
        raise _error(name, None, f"the file is larger than {bounds.size} bytes")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = data.decode("utf-8-sig")
        _measure(text, name, loader, bounds)
        node = yaml.compose(text, loader)
    except UnicodeDecodeError as error:
        raise _error(name, data[: error.start].count(b"\n") + 1, "this is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = short(" ".join(filter(None, (error.problem, error.context))))
        raise _error(name, mark.line + 1 if mark else None, f"this is not valid YAML: {why}") from None
    except yaml.YAMLError:
        raise _error(name, None, "this is not valid YAML: a character that may not stand in it") from None
    return _Reader(name).value(node, 0) if node else Value(1, {})


def _measure(text: str, name: str, loader: Any, bounds: Bounds) -> None:
    """Refuse what would take the composer, which calls itself for each level, or us too much stack or memory.

    An alias counts as much as what it stands for, so that a bomb is seen without being set off.
    """
    import yaml

    count = 0
    sizes: dict[str | None, int] = {}
    around: list[tuple[str | None, int]] = []
    for event in yaml.parse(text, loader):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = around.pop()
            if anchor:
                sizes[anchor] = count - before
        elif isinstance(event, yaml.CollectionStartEvent):
            around.append((event.anchor, count))
        count += sizes.get(event.anchor, 1) if isinstance(event, yaml.AliasEvent) else 1
        if len(around) > _DEEPEST:
            raise _error(name, line, f"values nest deeper than {_DEEPEST}")
        if count > bounds.values:
            raise _error(name, line, f"there are more than {bounds.values} values, with every alias written out")


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns nodes into values."""

    name: str

    def value(self, node: Node, depth: int, line: int | None = None) -> Value:
        import yaml

        at = line or node.start_mark.line + 1
        if depth > _DEEPEST:
            raise _error(self.name, at, "an alias stands inside of what it stands for")
        if isinstance(node, yaml.ScalarNode):
            if "\0" in node.value:
                raise _error(self.name, at, "a NUL character may not stand in a value")
            return Value(at, Scalar(node.value, self._kind(node)))
        if node.tag not in {f"{_TAG}seq", f"{_TAG}map"}:
            raise self._tagged(node)
        if isinstance(node, yaml.MappingNode):
            return Value(at, self._table(node, depth))
        return Value(at, [self.value(item, depth + 1) for item in node.value])

    def _kind(self, node: Node) -> Kind:
        kind = _KINDS.get(node.tag)
        if kind is None:
            raise self._tagged(node)
        return kind

    def _table(self, node: Node, depth: int) -> dict[str, Value]:
        import yaml

        entries: dict[str, Value] = {}
        merged: list[Value] = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag == _MERGE:
                merged.append(self.value(value, depth + 1))
            elif not isinstance(key, yaml.ScalarNode):
                raise _error(self.name, line, "a key must be text")
            elif key.value in entries:
                raise _error(self.name, line, f"the key {short(key.value)!r} stands here a second time")
            else:
                entries[key.value] = self.value(value, depth + 1, line)
        for source in merged:
            self._merge(entries, source)
        return entries

    def _merge(self, into: dict[str, Value], source: Value) -> None:
        for table in source.data if isinstance(source.data, list) else [source]:
            if not isinstance(table.data, dict):
                raise _error(self.name, source.line, "only keys with values can be merged with <<")
            for key, value in table.data.items():
                into.setdefault(key, value)

    def _tagged(self, node: Node) -> ConfigError:
        return _error(self.name, node.start_mark.line + 1, "tags are not allowed: remove what begins with !")


def _error(name: str, line: int | None, message: str) -> ConfigError:
    return ConfigError(name, [Problem((), message, line=line)])
