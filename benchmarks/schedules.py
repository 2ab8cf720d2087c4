# SPDX-License-Identifier: Apache-2.0
"""What very many schedules cost ``packhouse serve``: ``benchmarks/schedules.py --help``.

Every repository has a nightly build. Rounds of the real scheduler are measured: the first one, which reckons when
each is due; those without anything due; one in which some are due, which really asks repositories in files, looks
through their commits and asks for builds. Nothing is built.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
import watch_place as place
import yaml

from runner.service.database.tables import SCHEDULES
from runner.service.serve import Runner, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.service.schedule.scheduler import Scheduler

_DAY = 86400.0
_CROWD = "number that is due in the fullest minute"
_ROUNDS = 20
_LATER = 60.0
"""Seconds after which the configuration is looked through again for certain."""


def main(argv: Sequence[str] | None = None) -> int:
    """Measure as asked, print a table and write the same as JSON."""
    options = _options(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    found = {count: measured(count, due=options.due, jitter=options.jitter) for count in options.schedules}
    (options.out / "schedules.json").write_text(json.dumps(found, indent=2) + "\n")
    print("| schedules; milliseconds |" + "".join(f" {count:,} |" for count in found))
    print("| --- |" + " ---: |" * len(found))
    for name in next(iter(found.values())):
        scale = 1 if name == _CROWD else 1000
        print(f"| {name} |" + "".join(f" {scale * values[name]:,.1f} |" for values in found.values()))
    return 0


def measured(count: int, *, due: int, jitter: float) -> dict[str, float]:
    """Return what each kind of round takes of a processor with ``count`` schedules, of which some run."""
    with tempfile.TemporaryDirectory(prefix="packhouse-schedules-") as folder:
        file = _config(Path(folder), place.make_repositories(Path(folder) / "git", due), count, jitter)
        with opened(file) as runner:
            runner.watches.know(list(runner.settings.config.repositories))
            return _rounds(runner, due)


def _config(folder: Path, bare: place.Bare, count: int, jitter: float) -> Path:
    schedule = {"nightly": True, "jitter": f"{jitter:g}s"}
    urls = [f"{bare.folder.as_uri()}/{name}.git" for name in bare.names]
    repositories = {
        f"r{number:06}": {"url": urls[number % len(urls)], "schedules": [schedule]} for number in range(count)
    }
    file = folder / "packhouse.yaml"
    file.write_text(yaml.safe_dump({"state": str(folder / "state"), "repositories": repositories}))
    return file


def _rounds(runner: Runner, due: int) -> dict[str, float]:
    scheduler, memory, now = runner.scheduler, runner.schedules, time.time() // _DAY * _DAY + _DAY / 2
    first = _used(lambda: scheduler.once(now))
    quiet = _used(lambda: _repeat(scheduler, now)) / _ROUNDS
    through = _used(lambda: scheduler.once(now + _LATER))
    times = [record.due_at for record in memory.all()]
    crowd = Counter(int(at // 60) for at in times)
    listed = _used(lambda: memory.due(max(times)))
    names = sorted(runner.settings.config.repositories)[:due]
    with runner.engine.begin() as connection:
        here = SCHEDULES.c.repository.in_(names)
        connection.execute(sa.update(SCHEDULES).where(here).values(due_at=now))
    began = time.monotonic()
    runs = _used(lambda: _until_run(runner, names, now))
    return {
        "first round, all are new": first,
        "round, nothing is due": quiet,
        "looking through the configuration, nothing is new": through,
        "asking what is due, all are": listed,
        _CROWD: max(crowd.values()),
        "a run, its builds asked for": runs / due,
        "the same on the clock": (time.monotonic() - began) / due,
    }


def _repeat(scheduler: Scheduler, now: float) -> None:
    for _ in range(_ROUNDS):
        scheduler.once(now)


def _until_run(runner: Runner, names: Sequence[str], now: float) -> None:
    runner.scheduler.once(now)
    while not all(notes := [record.note for name in names for record in runner.schedules.of(name)]):
        time.sleep(0.01)
    if not all(note.startswith("1 job") for note in notes):
        raise RuntimeError(f"schedules did not ask for their builds: {set(notes)}")


def _used(do: Callable[[], object]) -> float:
    """Return the processor time of this process and of those that it started, in seconds."""

    def now() -> float:
        kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, kinds))

    before = now()
    do()
    return now() - before


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, nargs="+", default=[2_000, 20_000], help="so many in all")
    parser.add_argument("--due", type=int, default=40, help="so many of them run")
    parser.add_argument("--jitter", type=float, default=4 * 3600.0, metavar="SECONDS", help="default 4 hours")
    parser.add_argument("--out", type=Path, default=Path("bench-out"), help="folder of schedules.json")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
