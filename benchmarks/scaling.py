# SPDX-License-Identifier: Apache-2.0
"""What breaks first with more repositories than anybody has at hand: ``benchmarks/scaling.py --help``.

What ``watch.py``, ``schedules.py`` and ``pages.py`` measured, and what is measured here of tables as large as
asked for, is set against what so many repositories need. What nobody can measure here, such as how far a forge is
away, is assumed: see the options.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
import watch_place as place

from runner.service.config.load import load_config
from runner.service.config.model import Watch
from runner.service.database.connect import database_url, open_database
from runner.service.database.tables import WATCHES
from runner.service.watch.memory import WatchMemory, WatchRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DAY = 86400.0
_COMMITS = 200
_LOOK_COMMITS = 2
"""A look notes that it begins and how it went."""

_SCRAPE_SECONDS, _CONFIG_SECONDS = 10.0, 60.0
"""How long Prometheus waits, and an operator at a start."""

_SCHEDULES_SECONDS = 10.0
"""So often the configuration is looked through for schedules."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that ``need`` uses and that there is ``have`` of, in ``unit``."""

    what: str
    need: float
    have: float
    unit: str

    @property
    def share(self) -> float:
        return self.need / self.have


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, calculate and print a table."""
    options = _options(argv)
    watched = _measured(options.measured)
    with tempfile.TemporaryDirectory(prefix="packhouse-scaling-") as folder:
        large = _tables(Path(folder), max(options.repositories), options)
    sizes = {count: _lines(count, options, watched, large) for count in options.repositories}
    order = sorted(range(len(sizes[max(sizes)])), key=lambda each: -sizes[max(sizes)][each].share)
    print(f"of what there is, used by … repositories{_assumed(options)}\n")
    print("| | unit | there is |" + "".join(f" {count:,} |" for count in sizes))
    print("| --- | --- | ---: |" + " ---: |" * len(sizes))
    for each in order:
        first = sizes[max(sizes)][each]
        cells = "".join(
            f" {lines[each].need:,.2f} ({100 * lines[each].share:,.0f} %) |" for lines in sizes.values()
        )
        print(f"| {first.what} | {first.unit} | {first.have:,.1f} |{cells}")
    for count in sizes:
        print(_needed(count, options, watched))
    return 0


def _lines(
    count: int, options: argparse.Namespace, watched: dict[str, float], large: dict[str, float]
) -> list[Line]:
    looks, pushes, nightly = count / options.poll, count * options.pushes / _DAY, count * options.nightly
    jobs = pushes + nightly / _DAY
    commits = looks * _LOOK_COMMITS + jobs * options.commits
    own = looks * watched["cpu_own_per_look"] + nightly * watched["schedule"] / _SCHEDULES_SECONDS
    begun, places = nightly / options.jitter, options.looks / options.latency
    return [
        Line(f"{options.looks:g} looks at once, {options.latency:g} s away", looks, places, "a second"),
        Line("processor of serve itself: looks, schedules", own, 1.0, "cores"),
        Line("processors, looks with git", looks * watched["cpu_per_look"], options.cores, "cores"),
        Line("processors, looking through pushes", pushes * watched["cpu_per_push"], options.cores, "cores"),
        Line("processors, looking through at night", begun * watched["run"], options.cores, "cores"),
        Line("commits, SQLite", commits, large["sqlite"], "a second"),
        Line("commits, one at a time, PostgreSQL", commits, large["postgresql"], "a second"),
        Line("letters to forges and people", jobs * options.letters, 1 / options.latency, "a second"),
        Line("builds at once", jobs * options.build, options.builds, "builds"),
        Line("reading the configuration", count * large["config"], _CONFIG_SECONDS, "seconds"),
        Line("/metrics", count * watched["metrics"], _SCRAPE_SECONDS, "seconds"),
        Line("open jobs, if a nightly waits for its turn", nightly, 10_000, "jobs"),
    ]  # fmt: skip


def _measured(folder: Path) -> dict[str, float]:
    """Return what each look, push, schedule, run of one, and repository takes of a processor, in seconds."""
    watched, schedules, pages = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("watch", "schedules", "pages")
    )
    count = max(map(int, schedules))
    found = schedules[str(count)]
    return {
        **{name: watched[name] for name in ("cpu_per_look", "cpu_own_per_look", "cpu_per_push")},
        "schedule": found["looking through the configuration, nothing is new"] / count,
        "run": found["a run, its builds asked for"],
        "metrics": pages["pages"]["metrics"]["seconds"] / pages["setting"]["repositories"],
    }


def _needed(count: int, options: argparse.Namespace, watched: dict[str, float]) -> str:
    jobs = count * (options.pushes + options.nightly)
    kept = jobs * options.log * options.keep / 1e9
    first = count * watched["cpu_per_push"] / options.cores / 3600
    said = (
        f"{first:,.1f} h to look through all for the first time",
        f"{jobs:,.0f} jobs a day",
        f"{jobs * options.build / _DAY:,.0f} builds at once on average",
        f"{kept:,.0f} GB of logs in {options.keep:g} days",
        f"{jobs * options.requests / _DAY:,.1f} requests to the storage a second",
        f"{jobs * options.letters / _DAY:,.2f} letters a second",
    )
    return f"\n{count:,} repositories: {', '.join(said)}."


def _tables(folder: Path, count: int, options: argparse.Namespace) -> dict[str, float]:
    """Return seconds, and commits a second, of a runner that knows ``count`` repositories."""
    bare = place.Bare(folder, options.config, "", "")
    place.write_config(folder / "packhouse.yaml", bare, "https://git.example.org", poll=300)
    config = _seconds(lambda: load_config(folder / "packhouse.yaml")) / options.config
    with place.database(place.START) as server:
        postgresql = _commits(database_url(server.url, folder), count)
    return {"config": config, "sqlite": _commits(database_url("", folder), count), "postgresql": postgresql}


def _commits(url: str, count: int) -> float:
    """Return how many looks, of ``count`` repositories, can be noted in a second, one after another."""
    engine = open_database(url)
    memory = WatchMemory(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(WATCHES), [{"repository": f"r{n:06}", "due_at": 1.0} for n in range(count)])
    commits = _COMMITS / _seconds(partial(_note_looks, memory), time.perf_counter)
    engine.dispose()
    return commits


def _note_looks(memory: WatchMemory) -> None:
    for _ in range(_COMMITS):
        memory.looked(WatchRecord(repository="r000001"))


def _seconds(do: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Return the seconds of the second time, when tables are in memory; of a processor, which others may use."""
    do()
    began = clock()
    do()
    return clock() - began


def _assumed(options: argparse.Namespace) -> str:
    said = (
        f"a look every {options.poll:g} s",
        f"a host {options.latency:g} s away",
        f"{options.looks:g} looks at once",
        f"{options.pushes:g} pushes and {options.nightly:g} nightly builds a day each",
        f"the latter within {options.jitter / 3600:g} h",
        f"{options.build:g} s a build",
        f"{options.commits:g} commits and {options.letters:g} letters a job",
    )
    return f": {', '.join(said)}"


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measured", type=Path, default=Path("bench-out"), help="what the others wrote is there")
    parser.add_argument("--repositories", type=int, nargs="+", default=[2_000, 20_000, 100_000])
    parser.add_argument("--config", type=int, default=2_000, help="repositories in a configuration that is read")
    numbers = {
        "poll": (300.0, "seconds between two looks"),
        "looks": (float(Watch().looks), "at once"),
        "latency": (0.3, "seconds that a forge takes to answer"),
        "pushes": (0.2, "to a repository a day"),
        "nightly": (0.2, "share of repositories with a nightly build"),
        "jitter": (4 * 3600.0, "seconds that nightly builds are spread over"),
        "build": (300.0, "seconds of a build"),
        "builds": (2.0, "at once, on all workers together"),
        "cores": (2.0, "of the machine that watches"),
        "commits": (25.0, "to the database for a job: its row, phases, pieces of its log, steps of the queue"),
        "letters": (3.0, "statuses and notifications of a job"),
        "requests": (20.0, "to the storage for a release"),
        "log": (200e3, "bytes of a job in the database"),
        "keep": (90.0, "days that logs are kept"),
    }
    for name, (value, help_) in numbers.items():
        parser.add_argument(f"--{name}", type=float, default=value, help=f"{help_}; default {value:g}")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
