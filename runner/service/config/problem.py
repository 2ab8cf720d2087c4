# SPDX-License-Identifier: Apache-2.0
"""What is wrong in a configuration: all of it at once, each with its key and line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from runner.errors import Location, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KeyPath = tuple[str | int, ...]
"""The keys and the places in lists that lead to a value."""

_LONGEST = 60
_FEW = 12


class Problem(NamedTuple):
    """One mistake. ``message`` never repeats a value that could be a secret at the wrong place."""

    path: KeyPath
    message: str
    hint: str = ""
    line: int | None = None


class ConfigError(UsageError):
    """A configuration with at least one mistake; ``problems`` holds all, in the order of the file."""

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        first, count = self.problems[0], len(self.problems)
        alone = count == 1
        super().__init__(
            first.message if alone else f"the configuration has {count} mistakes",
            where=_where(name, first) if alone else name,
            why=None if alone else "\n    ".join(["", *(_line(name, problem) for problem in self.problems)]),
            hint=(first.hint or None) if alone else None,
        )


def shown(path: KeyPath) -> str:
    """Write a path as people do: ``repositories.images.refs[0]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{short(step)}"
    return text.removeprefix(".")


def short(text: str) -> str:
    """Return the beginning of a text that may be hostile, fit to be shown."""
    told = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in told)


def closest(name: str, known: Iterable[str]) -> str:
    """Ask whether the one of ``known`` was meant that looks most like ``name``; empty where none does."""
    close = difflib.get_close_matches(name, known, n=1) if len(name) <= _LONGEST else []
    return f"did you mean {close[0]}?" if close else ""


def meant(name: str, known: Iterable[str]) -> str:
    """Say which of ``known`` was probably meant by ``name``; else, where they are few, what there is."""
    names = sorted(known)
    return closest(name, names) or (f"there is: {', '.join(names)}" if len(names) <= _FEW else "")


def _where(name: str, problem: Problem) -> Location:
    return Location(name, problem.line, shown(problem.path) or None)


def _line(name: str, problem: Problem) -> str:
    text = f"{_where(name, problem)}: {problem.message}"
    return f"{text} ({problem.hint})" if problem.hint else text
