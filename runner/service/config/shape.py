# SPDX-License-Identifier: Apache-2.0
"""Fit the values of a file to a struct: find every key and value that does not, and collect what names what."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_origin

import msgspec

from runner.service.config.document import Scalar
from runner.service.config.hints import Hint, fields_of, hint_of
from runner.service.config.problem import KeyPath, Problem, closest, meant, short

if TYPE_CHECKING:
    from pathlib import Path

    from runner.service.config.document import Value
    from runner.service.config.kinds import Reading, Table

_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]{0,18})", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
_UNFIT: Final = object()
"""Stands for a value that does not fit."""

_WORDS = {"text": "text", "number": "a number", "switch": "true or false", "nothing": "nothing"}


class Reference(NamedTuple):
    """A place that names an entry of a table at the top of the file."""

    table: Table
    name: str
    path: KeyPath


@dataclass(slots=True)
class Shape:
    """What a walk over a file finds.

    Attributes:
        folder: where relative paths count from.
        lines: of every key and item.
        files: the files that must be there, by what names them.
    """

    folder: Path
    problems: list[Problem] = field(default_factory=list)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    files: dict[KeyPath, Path] = field(default_factory=dict)

    def fit(self, value: Value, wanted: Any, path: KeyPath = ()) -> Any:
        """Return ``value`` as msgspec's builtins for the type ``wanted``; ``problems`` gets what does not fit."""
        self.lines[path] = value.line
        hint = hint_of(wanted)
        data = value.data
        if hint.struct is not None:
            return self._struct(value, hint.struct, path)
        if get_origin(hint.base) is dict:
            return self._table(value, hint, path)
        if get_origin(hint.base) is tuple:
            return self._items(value, hint, path)
        if not isinstance(data, Scalar):
            return self._wrong(path, _expected(hint), value)
        return self._scalar(data, hint, path)

    def _struct(self, value: Value, struct: type[msgspec.Struct], path: KeyPath) -> Any:
        given = self._entries(value, path)
        if given is None:
            return _UNFIT
        fields = {entry.encode_name: entry for entry in fields_of(struct)}
        for key in [key for key in given if key not in fields]:
            self.lines[(*path, key)] = given[key].line
            self._problem((*path, key), f"there is no key {short(key)!r} here", meant(key, fields))
        fitted = {}
        for name, entry in fields.items():
            if name in given and not _is_left_out(given[name], entry):
                fitted[name] = self.fit(given[name], entry.type, (*path, name))
            elif entry.required:
                self._problem(path, f"the key {name!r} is missing")
        return fitted

    def _table(self, value: Value, hint: Hint, path: KeyPath) -> Any:
        keys, values = hint.inner
        fitted = {}
        for key, entry in (self._entries(value, path) or {}).items():
            self.lines[(*path, key)] = entry.line
            self._scalar(Scalar(key, "text"), hint_of(keys), (*path, key))
            fitted[key] = self.fit(entry, values, (*path, key))
        return fitted

    def _entries(self, value: Value, path: KeyPath) -> dict[str, Value] | None:
        if isinstance(value.data, dict):
            return value.data
        if isinstance(value.data, Scalar) and value.data.kind == "nothing":
            return {}
        self._wrong(path, "keys with values", value)
        return None

    def _items(self, value: Value, hint: Hint, path: KeyPath) -> Any:
        if not isinstance(value.data, list):
            nothing = isinstance(value.data, Scalar) and value.data.kind == "nothing"
            return [] if nothing else self._wrong(path, "a list", value, "write [ ] around it")
        fitted = [self.fit(item, hint.inner[0], (*path, place)) for place, item in enumerate(value.data)]
        least, most = hint.bound("min_length") or 0, hint.bound("max_length")
        if len(fitted) < least or (most is not None and len(fitted) > most):
            self._problem(path, f"must have {least} to {most} entries" if most else f"must have at least {least}")
        return fitted

    def _scalar(self, scalar: Scalar, hint: Hint, path: KeyPath) -> Any:
        try:
            value = _converted(scalar, hint)
        except ValueError as error:
            return self._problem(path, str(error))
        if isinstance(value, str):
            value = self._text(value, hint.reading, path)
        try:
            msgspec.convert(value, hint.wanted)
        except msgspec.ValidationError:
            return self._problem(path, f"must be {_expected(hint)}", closest(scalar.text, hint.choices))
        return value

    def _text(self, text: str, reading: Reading, path: KeyPath) -> str:
        if reading.names:
            self.references.append(Reference(reading.names, text, path))
        if not reading.file:
            return text
        place = self.folder / text
        if reading.exists:
            self.files[path] = place
        return str(place)

    def _wrong(self, path: KeyPath, expected: str, value: Value, hint: str = "") -> Any:
        data = value.data
        found = _WORDS[data.kind] if isinstance(data, Scalar) else "a list"
        found = "keys with values" if isinstance(data, dict) else found
        return self._problem(path, f"must be {expected}, not {found}", hint if isinstance(data, Scalar) else "")

    def _problem(self, path: KeyPath, message: str, hint: str = "") -> Any:
        self.problems.append(Problem(path, message, hint, self.lines.get(path)))
        return _UNFIT


def _is_left_out(value: Value, entry: msgspec.structs.FieldInfo) -> bool:
    """Whether a key stands there without a value, or with the empty text that is its default."""
    if not isinstance(value.data, Scalar) or entry.required:
        return False
    return value.data.kind == "nothing" or (not value.data.text and entry.default == "")


def _converted(scalar: Scalar, hint: Hint) -> str | float | bool:
    """Return the value of a scalar in the type wanted.

    Raises:
        ValueError: it is none.
    """
    if hint.reading.parse and scalar.kind in {"text", "number"}:
        return hint.reading.parse(scalar.text)
    kind, text = scalar.kind, scalar.text
    if hint.base is bool and kind == "switch":
        return text.lower() in {"true", "yes", "on"}
    if hint.base is int and kind == "number" and _WHOLE.fullmatch(text):
        return int(text)
    if hint.base is float and kind == "number" and _NUMBER.fullmatch(text):
        return float(text)
    if (hint.base is str or hint.choices) and kind in {"text", "number"}:
        return text
    quote = ": put it in quotes" if hint.base is str and kind == "switch" else ""
    raise ValueError(f"must be {_expected(hint)}, not {_WORDS[kind]}{quote}")


def _expected(hint: Hint) -> str:
    """Name what is expected, in words for people."""
    if hint.choices:
        return f"one of {', '.join(hint.choices)}"
    if hint.struct or get_origin(hint.base) is dict:
        return "keys with values"
    if get_origin(hint.base) is tuple:
        return "a list"
    base = {bool: "true or false", int: "a whole number", float: "a number"}.get(hint.base, "text")
    if hint.title and hint.base is not str:
        base = f"a {hint.title}"
    words = [
        f"{word} {hint.reading.write(bound)}"
        for name, word in (("ge", "at least"), ("gt", "more than"), ("le", "at most"))
        if (bound := hint.bound(name)) is not None
    ]
    told = " and ".join([*words, *([hint.description] if hint.description else [])])
    return f"{base}: {told}" if told else base
