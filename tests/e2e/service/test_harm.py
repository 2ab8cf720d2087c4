# SPDX-License-Identifier: Apache-2.0
"""A job that misbehaves ends with a clear reason, leaves nothing, and hurts no job that runs beside it."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from runner.service.config.model import Limits
from runner.service.database.tables import LOGS
from tests.support.apt_repo import build_deb
from tests.support.bench import Bench, wait_until
from tests.support.fleet import Fleet, fleet_of
from tests.support.git_repo import GitRepo
from tests.support.packhouse import Packhouse
from tests.support.tiny import tiny

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.service.jobs.model import Job

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.xdist_group("harm"),
]

LOG, DISK, MEMORY, PROCESSES = 2_000_000, 400_000_000, 400_000_000, 300
WORKER_MEMORY = 200_000_000
"""Bytes that the worker itself may ever have had in memory; before any job it has 85 MB."""

MARKER = "packhouse-harm"

SOON = 2
"""Seconds."""

SLEEP = "perl -e 'sleep 600' MARKER"
BOMB = "bash -c ':(){ :|:& };:' MARKER"
_SAID = f"it said more than {LOG} bytes"
_WROTE = f"it wrote more than {DISK} bytes"
_FORKED = f"it had more than {PROCESSES} processes at once"


@dataclass(frozen=True, slots=True)
class Harm:
    """What a script does, MARKER among the arguments of its processes, and for what reason its job is to end."""

    script: str
    reason: str
    seconds: float = 90
    disk: int = DISK
    memory: int = 0

    @property
    def limits(self) -> Limits:
        return Limits(time=self.seconds, log=LOG, disk=self.disk, memory=self.memory, processes=PROCESSES)


HARMS = {
    "floods": Harm("seq 120000000", _SAID),
    "floods-one-line": Harm("head -c 1G /dev/zero | tr '\\0' x", _SAID),
    "bomb": Harm(f"{BOMB}; {SLEEP}", _FORKED),
    "hidden-bomb": Harm(f"setsid {BOMB} </dev/null >/dev/null 2>&1 & {SLEEP}", _FORKED),
    "busy-bomb": Harm("perl -e 'fork while 1' MARKER", _FORKED),
    "big-file": Harm(f"cat /dev/zero >/fill; {SLEEP}", _WROTE),
    "removed-file": Harm(f"exec 3>/fill; rm /fill; head -c 4G /dev/zero >&3; {SLEEP}", _WROTE),
    "many-files": Harm(
        "perl -e 'for my $d (1..1e3) { mkdir qq(/$d); for (1..1e3) { open F, qq(>/$d/$_); print F $_ x 2e3 } }'",
        "it wrote more than 60000000 bytes",
        disk=60_000_000,
    ),
    "files-in-memory": Harm(
        f"for n in {{1..100}}; do head -c 10M /dev/zero >/dev/fill$n; done; {SLEEP}",
        f"its processes had more than {MEMORY} bytes in memory",
        memory=MEMORY,
    ),
    "hangs": Harm(f"setsid {SLEEP} & {SLEEP}", "it took longer than 15 s", seconds=15),
}
"""All end by themselves at last, should we fail to end them."""

ROUNDS = (
    ("floods", "bomb", "big-file"),
    ("floods-one-line", "busy-bomb", "removed-file"),
    ("hangs", "hidden-bomb", "many-files", "files-in-memory"),
)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, tiny_debs: list[Path]) -> Iterator[Fleet]:
    """One worker that does several jobs at once; what a job may use goes by its channel."""
    base = tmp_path_factory.mktemp("harm")
    with tiny(base / "tiny", tiny_debs) as setup:
        bench = Bench(setup, Packhouse(base / "run", base / "store"), base)
        with fleet_of(bench) as made:
            made.worker(builds=5, limits={name: harm.limits for name, harm in HARMS.items()})
            yield made


@pytest.mark.parametrize("names", ROUNDS, ids="+".join)
def test_harmful_jobs_end_and_hurt_no_other(names: tuple[str, ...], fleet: Fleet) -> None:
    work = f"for n in {{1..16}}; do seq 100000 >/{names[0]}; sleep 0.5; done"
    good = submit(fleet, f"beside-{names[0]}", work)
    wait_until(lambda: "--- config.sh" in fleet.log(good), seconds=60)
    jobs = {name: submit(fleet, name, HARMS[name].script.replace("MARKER", marker_of(name))) for name in names}
    for name, job in jobs.items():
        check_end(HARMS[name], fleet.ended(job), fleet)
    good = fleet.ended(good, seconds=60)
    assert (good.state, good.attempt, good.error) == ("done", 1, None)
    assert fleet.published(good.request.channel) == [1]
    soon_empty(lambda: held(fleet))
    assert peak_memory(fleet.running[0].pid) < WORKER_MEMORY


def check_end(harm: Harm, job: Job, fleet: Fleet) -> None:
    """It ended for its reason, nothing of it is left, and what is kept of what it said is bounded."""
    soon_empty(lambda: left_of(job, fleet))
    assert job.state == "failed"
    assert job.error is not None
    assert (job.error.kind, job.error.what) == ("limit", f"the job was ended: {harm.reason}")
    assert job.error.why.startswith("it was at: ")
    assert "packhouse.yaml" in job.error.hint
    assert fleet.published(job.request.channel) == []
    log = fleet.log(job)
    assert log.endswith(job.error.hint)
    assert len(log) < LOG + 500_000
    assert sum(map(len, job.error.log_tail)) < 100_000
    assert kept_bytes(fleet, job) < LOG // 10, "it packs well"


PHASES = ("resolve", "fetch", "packages", "configure", "create")


@pytest.mark.parametrize("phase", PHASES)
def test_a_cancelled_job_gives_everything_back_in_two_seconds(phase: str, fleet: Fleet) -> None:
    with standing_still(phase, fleet) as (script, reached):
        job = submit(fleet, f"cancelled-{phase}", script)
        wait_until(reached, seconds=90)
        assert held(fleet) != []
        assert fleet.dispatcher.cancel(job.id, "by hand")
        soon_empty(lambda: held(fleet))
    assert (fleet.ended(job, seconds=SOON).state, fleet.at(job).cancel) == ("cancelled", "by hand")


@contextlib.contextmanager
def standing_still(phase: str, fleet: Fleet) -> Iterator[tuple[str, Callable[[], bool]]]:
    """Yield a config.sh whose build does not get beyond ``phase``, and a way to see that it is there."""
    sleep = f"setsid {SLEEP} & {SLEEP}\n".replace("MARKER", MARKER)
    if phase == "configure":
        yield f"head -c 100M /dev/zero >/file; {sleep}", lambda: bool(marked(MARKER))
    elif phase == "create":  # gzip takes its time with what cannot be packed
        fleet.bench.setup.edit('squashfscompression="lz4"', 'squashfscompression="gzip"')
        yield "head -c 200M /dev/urandom >/file", lambda: has_below(fleet.running[0].pid, "mksquashfs")
    else:
        with new_package(phase, f"#!/bin/sh\n{sleep}", fleet.bench) as asked:
            yield "echo configured", asked if phase in {"resolve", "fetch"} else lambda: bool(marked(MARKER))


@contextlib.contextmanager
def new_package(phase: str, postinst: str, bench: Bench) -> Iterator[Callable[[], bool]]:
    """Have a package that was never fetched, and the mirror fall silent when ``phase`` needs it to speak."""
    repo, mirror, version = bench.setup.repo, bench.setup.mirror, f"2.{PHASES.index(phase)}"
    package = build_deb(
        bench.base, "hello", bench.base / "hello" / version, version=version, scripts={"postinst": postinst}
    )
    repo.add(package)
    repo.write(bench.setup.signer)
    mirror.asked.clear()
    mirror.stall_on = {"resolve": "InRelease", "fetch": package.name}.get(phase, "")
    mirror.go.clear()
    try:
        yield lambda: any(mirror.stall_on in path for path in mirror.asked)
    finally:
        mirror.go.set()
        del repo.debs[package.name]
        repo.write(bench.setup.signer)


def held(fleet: Fleet) -> list[str]:
    """What all jobs of the worker have of this machine, seen from outside."""
    children = [f"child {child}" for child in children_of(fleet.running[0].pid)]
    results = [str(path) for path in (fleet.bench.base / "state" / "one").iterdir()]
    return [*children, *marked(MARKER), *results, *fleet.bench.command.leftovers(), *mounts(fleet.bench.base)]


def soon_empty(left: Callable[[], list[str]]) -> None:
    deadline = time.monotonic() + SOON
    while found := left():
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in said(file).split()]


def has_below(pid: int, program: str) -> bool:
    """Whether a descendant of the process ``pid`` is called ``program``."""
    below = children_of(pid)
    return any(said(Path(f"/proc/{child}/comm")).decode() == f"{program}\n" for child in below) or any(
        has_below(child, program) for child in below
    )


def submit(fleet: Fleet, channel: str, script: str) -> Job:
    fleet.bench.setup.script(f"{script}\n")
    fleet.commit = GitRepo(fleet.bench.setup.description).commit(message=channel)
    return fleet.submit(channel, channel=channel)


def left_of(job: Job, fleet: Fleet) -> list[str]:
    """What there is of a job that others run beside: processes, its results, and what it works on."""
    places = (fleet.bench.command.store / "staging", fleet.bench.base / "state" / "one")
    folders = [str(path) for place in places for path in place.glob(f"{job.id}*")]
    return [*folders, *marked(marker_of(job.request.channel))]


def marker_of(name: str) -> str:
    return f"{MARKER}-{name}."


def marked(marker: str) -> list[str]:
    """The processes of the machine that have ``marker`` among their arguments."""
    return [f"process {pid}" for pid in process_ids() if marker.encode() in said(Path("/proc", pid, "cmdline"))]


def mounts(base: Path) -> list[str]:
    """What is mounted below ``base`` in any mount namespace of the machine."""
    lines = {line for pid in process_ids() for line in said(Path("/proc", pid, "mountinfo")).splitlines()}
    return sorted(line.decode() for line in lines if str(base).encode() in line)


def process_ids() -> list[str]:
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def said(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # its process is gone


def kept_bytes(fleet: Fleet, job: Job) -> int:
    """How much room the job's log takes in the database."""
    size = sa.select(sa.func.sum(sa.func.length(LOGS.c.text))).where(LOGS.c.job == job.id)
    with fleet.jobs.engine.connect() as connection:
        return int(connection.execute(size).scalar_one())


def peak_memory(pid: int) -> int:
    """The most bytes that a process ever had in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) << 10
