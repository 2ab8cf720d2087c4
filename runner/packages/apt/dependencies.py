# SPDX-License-Identifier: Apache-2.0
"""Dependencies among packages that are all known: who needs whom, and who must be configured before whom unpacks.

apt has solved already; here alternatives are only looked up in the chosen set (deb-control(5), Policy chapter 7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_NAME = re.compile(r"^\s*([a-z0-9][a-z0-9+.-]*)")


class Control(Protocol):
    """Anything that has the fields of a control stanza."""

    def field(self, name: str) -> str:
        """Return the value of a field, empty when absent."""
        ...


@dataclass(frozen=True, slots=True)
class _Known:
    """Which packages of a set answer to a name, their own or a provided one."""

    by_name: Mapping[str, Control]
    providers: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, by_name: Mapping[str, Control]) -> _Known:
        providers: dict[str, list[str]] = {}
        for name, control in by_name.items():
            for group in _groups(control.field("Provides")):
                for provided in group:
                    providers.setdefault(provided, []).append(name)
        return cls(by_name, {name: tuple(sorted(who)) for name, who in providers.items()})

    def answers(self, group: tuple[str, ...]) -> set[str]:
        """Packages of the set that satisfy one group of alternatives."""
        found = {name for name in group if name in self.by_name}
        for name in group:
            found.update(self.providers.get(name, ()))
        return found


def closure(by_name: Mapping[str, Control], start: Iterable[str]) -> set[str]:
    """Return ``start`` and everything of the set it depends on, directly or not."""
    known = _Known.of(by_name)
    reached: set[str] = set()
    waiting = [name for wanted in start for name in known.answers((wanted,))]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        control = by_name[name]
        for field in ("Pre-Depends", "Depends"):
            for group in _groups(control.field(field)):
                waiting += known.answers(group) - reached
    return reached


def install_batches(by_name: Mapping[str, Control], done: Iterable[str]) -> list[list[str]]:
    """Split the packages not in ``done`` so that each batch's pre-dependencies are configured before it.

    A pre-dependency must be *configured* before its user is even unpacked, so it and all it depends on form an
    earlier batch. Within a batch dpkg finds the order by itself.
    """
    known = _Known.of(by_name)
    configured = set(done)
    batches: list[list[str]] = []
    waiting = set(by_name) - configured
    while waiting:
        batch = _innermost(by_name, known, waiting, configured)
        batches.append(sorted(batch))
        configured |= batch
        waiting -= batch
    return batches


def _innermost(by_name: Mapping[str, Control], known: _Known, waiting: set[str], configured: set[str]) -> set[str]:
    batch = set(waiting)
    while True:
        needed: set[str] = set()
        for name in batch:
            for group in _groups(by_name[name].field("Pre-Depends")):
                needed |= known.answers(group) - configured
        inner = closure(by_name, needed) - configured
        if not inner or inner >= batch:
            return batch  # nothing before it, or a cycle that only dpkg itself could judge
        batch = inner


def _groups(field: str) -> list[tuple[str, ...]]:
    """``a (>= 1) | b, c:any`` → ``[("a", "b"), ("c",)]``."""
    groups = []
    for item in field.split(","):
        names = tuple(match[1] for part in item.split("|") if (match := _NAME.match(part)))
        if names:
            groups.append(names)
    return groups
