# SPDX-License-Identifier: Apache-2.0
"""Pins (apt_preferences(5)): packages that must never come, and the priorities of repositories."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner.errors import ResolveError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LETTERS = {"Origin": "o", "Label": "l", "Suite": "a", "Codename": "n"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.*?:-]*")
_PLAIN = re.compile(r"[^,*?\[\]\"\\/\x00-\x1f\x7f]+")
"""What a pin compares literally: no list, glob or regular expression."""


def never(names: Iterable[str]) -> list[str]:
    """Pins that keep packages away.

    Raises:
        ResolveError: a name that cannot be one, and might be a stanza of its own.
    """
    stanzas = []
    for name in names:
        if not _NAME.fullmatch(name):
            raise ResolveError(f"{name!r} cannot be the name of a package to ignore", where="<ignore>")
        stanzas.append(f"Package: {name}\nPin: release *\nPin-Priority: -1\n")
    return stanzas


def selector(url: str, release: str) -> str:
    """Tell a repository by what its ``Release`` says of itself, as far as that can be pinned, else by its host."""
    found = []
    for field, letter in _LETTERS.items():
        match = re.search(rf"^{field}:[ \t]*(.*\S)[ \t]*$", release, re.MULTILINE)
        if match and _PLAIN.fullmatch(match[1]):
            found.append(f"{letter}={match[1]}")
    return f"release {','.join(found)}" if found else host_selector(url)


def host_selector(url: str) -> str:
    """Tell a repository by the host it is on; those of this machine have none."""
    return f'origin "{urlsplit(url).hostname or ""}"'


def priorities(entries: Sequence[tuple[str, str, int | None]]) -> list[str]:
    """Pins for repositories: alias, selector and priority of each.

    Raises:
        ResolveError: two that apt cannot tell apart have different priorities.
    """
    seen: dict[str, tuple[str, int | None]] = {}
    for alias, chosen, priority in entries:
        other, its = seen.setdefault(chosen, (alias, priority))
        if its != priority:
            raise ResolveError(
                f"repositories {other} and {alias} have different priorities, and apt cannot tell them apart",
                why=f"both are: {chosen}",
                hint="give them the same priority, or different Origin, Label, Suite or Codename fields",
            )
    return [pin(chosen, priority) for chosen, (_, priority) in seen.items() if priority is not None]


def pin(chosen: str, priority: int) -> str:
    """One stanza for all packages of a repository."""
    return f"Package: *\nPin: {chosen}\nPin-Priority: {priority}\n"
