# SPDX-License-Identifier: Apache-2.0
"""What the runner did, seen from outside: its tables, and what the kernel counts of its process."""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from runner.service.database.tables import JOBS, METADATA, WATCHES
from runner.sources.remote import list_refs

if TYPE_CHECKING:
    from collections.abc import Sequence

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOKS = 20


@dataclass(frozen=True, slots=True)
class Process:
    """What a process used. Times in seconds, memory in bytes.

    Attributes:
        own: processor time of itself.
        children: that of all it started and that ended, and of theirs.
        peak: its own largest resident set.
    """

    own: float
    children: float
    peak: int

    @classmethod
    def at(cls, pid: int) -> Process:
        """Ask the kernel; see proc(5)."""
        user, system, children_user, children_system = (int(word) / _TICKS for word in _words(pid)[11:15])
        status = dict(
            line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
        )
        return cls(user + system, children_user + children_system, int(status["VmHWM"].split()[0]) * 1024)


def family(pid: int | None) -> float:
    """Return the processor time of a process, of those that it started, and of theirs that ended, in seconds."""
    if pid is None:
        return 0.0
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    stats = {each: found for each in pids if (found := _words(each))}
    ours = [words for each, words in stats.items() if each == pid or int(words[1]) == pid]
    return sum(int(word) / _TICKS for words in ours for word in words[11:15])


def _words(pid: int) -> list[str]:
    """Return the fields from the state on, none of a process that is gone."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


@dataclass(slots=True)
class Looks:
    """When each repository was looked at, read from the table of watches now and then."""

    engine: sa.Engine
    at: dict[str, list[float]] = field(default_factory=dict)

    def sample(self) -> None:
        """Note looks that were not seen before. What comes twice between two samples is missed."""
        with self.engine.connect() as connection:
            for name, at in connection.execute(sa.select(WATCHES.c.repository, WATCHES.c.polled_at)):
                times = self.at.setdefault(name, [])
                if at is not None and (not times or times[-1] != at):
                    times.append(at)

    @property
    def count(self) -> int:
        return sum(map(len, self.at.values()))

    def between(self, since: float) -> list[float]:
        """Return the seconds between two looks at the same repository, of those that began after ``since``."""
        return [
            later - earlier
            for times in self.at.values()
            for earlier, later in itertools.pairwise(times)
            if earlier >= since
        ]

    def first_pass(self) -> float:
        """Return the seconds from the first look at any to the first look at the last one."""
        firsts = [times[0] for times in self.at.values() if times]
        return max(firsts) - min(firsts) if len(firsts) == len(self.at) else float("nan")

    def failed(self) -> int:
        with self.engine.connect() as connection:
            query = sa.select(sa.func.count()).select_from(WATCHES).where(WATCHES.c.failures > 0)
            return connection.execute(query).scalar_one()


def latencies(engine: sa.Engine, pushed: dict[str, float]) -> tuple[list[float], list[float]]:
    """Return the seconds from push to a job, and to its beginning for those that began."""
    with engine.connect() as connection:
        rows = list(connection.execute(sa.select(JOBS.c.repository, JOBS.c.created_at, JOBS.c.started_at)))
    queued = [row.created_at - pushed[row.repository] for row in rows if row.repository in pushed]
    begun = [
        row.started_at - pushed[row.repository] for row in rows if row.repository in pushed and row.started_at
    ]
    return queued, begun


def rows_of(engine: sa.Engine) -> dict[str, int]:
    """Return how many rows each table has."""
    with engine.connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in sorted(METADATA.tables.items())
        }


def bytes_of(engine: sa.Engine, state: Path) -> int:
    """Return how large the databases are, that of the queue too."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())
    return sum(path.stat().st_size for path in state.glob("*.db*"))


def one_look(url: str) -> dict[str, float]:
    """Ask one repository for its refs several times, and return the seconds that it took once."""
    list_refs(url)
    before, began = _used(), time.perf_counter()
    for _ in range(_LOOKS):
        list_refs(url)
    wall, after = time.perf_counter() - began, _used()
    return {
        "wall": wall / _LOOKS,
        "own": (after[0] - before[0]) / _LOOKS,
        "git": (after[1] - before[1]) / _LOOKS,
    }


def _used() -> tuple[float, float]:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Return the middle, the 95th percentile and the largest of ``values``, all 0 where there are none."""
    ordered = sorted(values) or [0.0]
    return {
        "p50": ordered[len(ordered) // 2],
        "p95": ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)],
        "max": ordered[-1],
        "count": float(len(values)),
    }
