# SPDX-License-Identifier: Apache-2.0
"""How well ``packhouse serve`` watches many repositories: ``benchmarks/watch.py --help``.

Nothing is built: the jobs of most repositories need a label that no worker has, and those of the others end when
they are planned. Pushes are spread over the time after the first pass over all repositories.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import watch_place as place
import watch_seen as seen

from runner.service.database.connect import database_url, open_database

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

_BEGUN = 10
"""Of so many pushes one finds a worker."""

_SAMPLES = 6
"""Times in each cycle that the tables are read."""


@dataclass(frozen=True, slots=True)
class Course:
    """What happened between the beginning and the end of the time that is measured."""

    pushed: dict[str, float]
    since: float
    seconds: float
    start: seen.Process
    end: seen.Process
    idle: seen.Process
    idle_seconds: float
    looks: int
    idle_looks: int
    others: dict[str, float]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure as asked, print a table and write the same as JSON."""
    options = _options(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    base = Path(tempfile.mkdtemp(prefix="packhouse-watch-", dir=options.work))
    try:
        result = _measured(options, base)
        (options.out / "watch.json").write_text(json.dumps(result, indent=2) + "\n")
        print(_table(result))
        shutil.copy(base / "serve.log", options.out / "watch.log")
    finally:
        shutil.rmtree(base, ignore_errors=True)
    return 0


def _measured(options: argparse.Namespace, base: Path) -> dict[str, Any]:
    bare = place.make_repositories(base / "git", options.repositories)
    names = bare.names[:: max(1, options.repositories // options.pushes)][: options.pushes]
    file, free = base / "packhouse.yaml", names[::_BEGUN]
    with place.over(options.over, bare, options.away) as host, place.database(options.database) as database:
        port = place.write_config(
            file, bare, host.url, free, poll=options.poll, database=database.url, looks=options.looks
        )
        (base / "state").mkdir()
        sql = database_url(database.url, base / "state")
        place.remember(sql, bare)
        look = seen.one_look(f"{host.url}/{bare.names[0]}.git")
        engine, load = open_database(sql), os.getloadavg()
        looks, others = seen.Looks(engine), {"git": host.pid, "postgresql": database.pid}
        try:
            with place.serving(file, port, database.url) as child:
                course = _course(options, bare, names, looks, child, others=others)
                queued, begun = seen.latencies(engine, course.pushed)
                rows, size = seen.rows_of(engine), seen.bytes_of(engine, base / "state")
        finally:
            failed = looks.failed()
            engine.dispose()
    return {
        "setting": {
            "repositories": options.repositories, "pushes": len(names), "poll": options.poll, "over": options.over,
            "database": "postgresql" if options.database else "sqlite", "processors": os.cpu_count(), "load": load,
            "away": options.away, "looks": options.looks,
        },
        "first_pass": looks.first_pass(), "cycle": seen.quantiles(looks.between(course.since)),
        "queued": seen.quantiles(queued), "begun": seen.quantiles(begun), "failed": failed, "one_look": look,
        "database": {"bytes": size, "rows": rows}, **_costs(course),
    }  # fmt: skip


def _course(
    options: argparse.Namespace, bare: place.Bare, names: Sequence[str], looks: seen.Looks,
    child: subprocess.Popen[bytes], *, others: Mapping[str, int | None],
) -> Course:  # fmt: skip
    """Let the first pass go by, then a cycle without pushes, then push, and wait for the jobs."""
    pause = options.poll / _SAMPLES
    deadline = time.monotonic() + 20 * options.poll
    while looks.count < bare.count and time.monotonic() < deadline:
        time.sleep(min(1.0, pause))
        looks.sample()
    since, count, start = time.time(), looks.count, seen.Process.at(child.pid)
    before = {name: seen.family(pid) for name, pid in others.items()}
    _wait(looks, options.poll, pause)
    idle, idle_seconds, idle_looks = seen.Process.at(child.pid), time.time() - since, looks.count - count
    pushed: dict[str, float] = {}
    step, began = options.cycles * options.poll / len(names), time.time()
    for number, name in enumerate(names):
        _wait(looks, began + number * step - time.time(), pause)
        pushed[name] = bare.push(name)
    _wait(looks, 1.5 * options.poll, pause)
    seconds, end = time.time() - since, seen.Process.at(child.pid)
    used = {name: seen.family(pid) - before[name] for name, pid in others.items()}
    return Course(pushed, since, seconds, start, end, idle, idle_seconds, looks.count - count, idle_looks, used)


def _wait(looks: seen.Looks, seconds: float, pause: float) -> None:
    until = time.time() + seconds
    while (left := until - time.time()) > 0:
        time.sleep(min(left, pause))
        looks.sample()


def _costs(course: Course) -> dict[str, Any]:
    def used(process: seen.Process) -> float:
        return process.own + process.children - course.start.own - course.start.children

    idle, looks = used(course.idle), max(1, course.idle_looks)
    pushing = used(course.end) - idle
    looking = (course.looks - course.idle_looks) * idle / looks
    return {
        "looks": course.looks,
        "looks_per_second": course.looks / course.seconds,
        "cpu_idle_share": idle / course.idle_seconds,
        "cpu_share": used(course.end) / course.seconds,
        "cpu_per_look": idle / looks,
        "cpu_own_per_look": (course.idle.own - course.start.own) / looks,
        "cpu_per_push": max(0.0, pushing - looking) / len(course.pushed),
        "cpu_others": {name: used / course.seconds for name, used in course.others.items() if used},
        "peak_memory": course.end.peak,
        "process": {"start": asdict(course.start), "end": asdict(course.end)},
    }


def _table(result: dict[str, Any]) -> str:
    setting, look = result["setting"], result["one_look"]

    def three(name: str) -> str:
        found = result[name]
        return f"{found['p50']:.1f} / {found['p95']:.1f} / {found['max']:.1f} s ({found['count']:.0f})"

    rows = {
        "repositories, pushes": f"{setting['repositories']}, {setting['pushes']}",
        "told to look every": f"{setting['poll']:g} s ± 10 %, over {setting['over']}, {setting['database']}",
        "looks at once, each at a host": f"{setting['looks']}, {setting['away']:g} s away",
        "load before, processors": f"{setting['load'][0]:.1f}, {setting['processors']}",
        "first pass over all": f"{result['first_pass']:.1f} s",
        "between two looks, p50 / p95 / max": three("cycle"),
        "push to queued, p50 / p95 / max": three("queued"),
        "push to begun, p50 / p95 / max": three("begun"),
        "looks a second": f"{result['looks_per_second']:.1f}",
        "processor while nothing is pushed": f"{100 * result['cpu_idle_share']:.0f} % of a core",
        "processor, whole time": f"{100 * result['cpu_share']:.0f} % of a core",
        **{f"beside it, {name}": f"{100 * used:.0f} % of a core" for name, used in result["cpu_others"].items()},
        "processor for a look": f"{1000 * result['cpu_per_look']:.1f} ms",
        "of it serve itself": f"{1000 * result['cpu_own_per_look']:.1f} ms",
        "`git ls-remote` alone": f"{1000 * look['git']:.1f} ms",
        "processor for a push": f"{1000 * result['cpu_per_push']:.0f} ms",
        "peak memory of serve": f"{result['peak_memory'] / 1e6:.0f} MB",
        "database": f"{result['database']['bytes'] / 1e6:.1f} MB, {sum(result['database']['rows'].values())} rows",
        "repositories that failed": str(result["failed"]),
    }
    return "\n".join(["| | |", "| --- | ---: |", *(f"| {name} | {value} |" for name, value in rows.items())])


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=int, default=2000)
    parser.add_argument("--pushes", type=int, default=300)
    parser.add_argument(
        "--poll", type=float, default=60.0, metavar="SECONDS", help="between two looks; default 60"
    )
    parser.add_argument("--cycles", type=float, default=3.0, help="so many of these the pushes are spread over")
    parser.add_argument("--over", choices=("file", "http"), default="file", help="how repositories are reached")
    parser.add_argument(
        "--database", default="", metavar="URL",
        help=f"an empty PostgreSQL database, or {place.START!r} for a server of its own; else SQLite",
    )  # fmt: skip
    parser.add_argument(
        "--away", type=float, default=0.0, metavar="SECONDS", help="that the host takes to answer a look over http"
    )
    parser.add_argument("--looks", type=int, default=8, help="at once; default 8")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where repositories are made; else $TMPDIR")
    parser.add_argument("--out", type=Path, default=Path("bench-out"), help="folder of watch.json")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
