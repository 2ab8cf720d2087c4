# SPDX-License-Identifier: Apache-2.0
"""Print values as YAML, JSON or TOML, so that our reader and KIWI's understand the same."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from runner.description.formats.values import Items, Scalar, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.description.formats.values import Value

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./+~-]*(?: [A-Za-z0-9_./+~-]+)*")
_NOT_PLAIN = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_WIDE = 0xFFFF


def to_yaml(value: Table) -> str:
    return "\n".join(line for key, inner in value.entries for line in _yaml(key, inner, "")) + "\n"


def to_json(value: Table) -> str:
    """Print as JSON; comments are lost, as JSON has none."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False) + "\n"


def to_toml(value: Table) -> str:
    lines: list[str] = []
    for key, inner in value.entries:
        table = inner if isinstance(inner, Table) else Table(1, (("#text", inner),))
        lines += [*_notes(inner, ""), f"[{_bare(key)}]", *_toml(table, (_bare(key),))]
    return "\n".join(lines) + "\n"


def _yaml(key: str, value: Value, pad: str) -> Iterator[str]:
    """Yield the lines of one entry of a table that is indented by ``pad``."""
    deeper = pad + "  "
    yield from _notes(value, pad)
    if isinstance(value, Scalar):
        yield f"{pad}{_yaml_text(key)}: {_yaml_text(value.text, deeper)}"
        return
    yield f"{pad}{_yaml_text(key)}:"
    if isinstance(value, Table):
        for name, inner in value.entries:
            yield from _yaml(name, inner, deeper)
        return
    for item in value.values:
        yield from _notes(item, deeper)
        if isinstance(item, Scalar):
            yield f"{deeper}- {_yaml_text(item.text, deeper + '  ')}"
        elif isinstance(item, Table):
            lines = [line for name, inner in item.entries for line in _yaml(name, inner, deeper + "  ")]
            yield f"{deeper}- {lines[0].lstrip()}"
            yield from lines[1:]


def _yaml_text(text: str, pad: str | None = None) -> str:
    """Return a text as YAML; on several lines, indented by ``pad``, where that changes nothing."""
    if text in {"true", "false"} or (_PLAIN.fullmatch(text) and text.lower() not in _NOT_PLAIN):
        return text
    lines = text.split("\n")
    if pad is not None and len(lines) > 1 and text == text.strip() and all(map(str.isprintable, lines)):
        return "|-\n" + "\n".join(f"{pad}{line}" if line else "" for line in lines)
    return _quoted(text)


def _toml(table: Table, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of a table: first what stands on lines of its own, then the tables inside."""
    for key, value in table.entries:
        if _is_inline(value):
            yield from _notes(value, "")
            yield from _assignment(_bare(key), value)
    for key, value in table.entries:
        if _is_inline(value):
            continue
        inner = (*path, _bare(key))
        head = ".".join(inner)
        many = isinstance(value, Items)
        for one in value.values if isinstance(value, Items) else (value,):
            content = one if isinstance(one, Table) else Table(1, (("#text", one),), one.notes)
            yield from ("", *_notes(content, ""), f"[[{head}]]" if many else f"[{head}]")
            yield from _toml(content, inner)


def _assignment(key: str, value: Value) -> Iterator[str]:
    if not isinstance(value, Items):
        yield f"{key} = {_inline(value)}"
        return
    yield f"{key} = ["
    for item in value.values:
        yield from _notes(item, "  ")
        yield f"  {_inline(item)},"
    yield "]"


def _is_inline(value: Value) -> bool:
    if isinstance(value, Items):
        return all(map(_is_inline, value.values))
    return isinstance(value, Scalar) or all(
        isinstance(inner, Scalar) and not inner.notes for _, inner in value.entries
    )


def _inline(value: Value) -> str:
    if isinstance(value, Table):
        return "{ " + ", ".join(f"{_bare(key)} = {_inline(inner)}" for key, inner in value.entries) + " }"
    return _quoted(value.text) if isinstance(value, Scalar) else ""


def _bare(key: str) -> str:
    return key if _BARE.fullmatch(key) else _quoted(key)


def _plain(value: Value) -> Any:
    if isinstance(value, Table):
        return {key: _plain(inner) for key, inner in value.entries}
    if isinstance(value, Items):
        return [_plain(item) for item in value.values]
    return value.text


def _quoted(text: str) -> str:
    """Return a text in double quotes, with the escapes that YAML and TOML have in common."""
    return '"' + "".join(_ESCAPES.get(char) or _escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\U{ord(char):08X}" if ord(char) > _WIDE else f"\\u{ord(char):04X}"


def _notes(value: Value, pad: str) -> Iterator[str]:
    """Yield comment lines; what cannot stand in a comment of YAML or TOML is a space there."""
    for note in value.notes:
        for line in note.split("\n"):
            shown = "".join(char if char.isprintable() else " " for char in line)
            yield f"{pad}# {shown}".rstrip()
