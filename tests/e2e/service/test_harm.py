# SPDX-License-Identifier: Apache-2.0
"""A job that misbehaves ends with a clear reason, leaves nothing, and hurts no job that runs beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from runner.service.config.model import Limits
from runner.service.database.tables import LOGS
from tests.support.bench import Bench, wait_until
from tests.support.fleet import Fleet, fleet_of
from tests.support.git_repo import GitRepo
from tests.support.packhouse import Packhouse
from tests.support.tiny import tiny

if TYPE_CHECKING:
    from collections.abc import Iterator

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

SOON = 2
"""Seconds."""

MARKER = "packhouse-harm"
_SAID = f"it said more than {LOG} bytes"
_WROTE = f"it wrote more than {DISK} bytes"
_FORKED = f"it had more than {PROCESSES} processes at once"


@dataclass(frozen=True, slots=True)
class Harm:
    """What a script does, and for what reason the job is to end."""

    script: str
    reason: str
    seconds: float = 60
    disk: int = DISK
    memory: int = 0

    @property
    def limits(self) -> Limits:
        return Limits(time=self.seconds, log=LOG, disk=self.disk, memory=self.memory, processes=PROCESSES)


HARMS = {
    "hangs": Harm("setsid sleep 600 MARK & sleep 600", "it took longer than 12 s", seconds=12),
    "floods": Harm("seq 120000000", _SAID),
    "floods-one-line": Harm("head -c 1G /dev/zero | tr '\\0' x", _SAID),
    "bomb": Harm("bash -c ':(){ :|:& };:' MARK; sleep 600", _FORKED),
    "hidden-bomb": Harm("setsid bash -c ':(){ :|:& };:' MARK </dev/null >/dev/null 2>&1 & sleep 600", _FORKED),
    "busy-bomb": Harm("perl -e 'fork while 1' MARK", _FORKED),
    "big-file": Harm("cat /dev/zero >/fill; sleep 600", _WROTE),
    "removed-file": Harm("exec 3>/fill; rm /fill; head -c 4G /dev/zero >&3; sleep 600", _WROTE),
    "files-in-memory": Harm(
        "for n in {1..100}; do head -c 10M /dev/zero >/dev/fill$n; done; sleep 600",
        f"its processes had more than {MEMORY} bytes in memory",
        memory=MEMORY,
    ),
    "many-files": Harm(
        "perl -e 'for my $d (1..1e3) { mkdir qq(/$d); for (1..1e3) { open F, qq(>/$d/$_); print F $_ x 2e3 } }'",
        "it wrote more than 60000000 bytes",
        disk=60_000_000,
    ),
}
"""All end themselves sooner or later, should we fail to."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory, tiny_debs: list[Path]) -> Iterator[Fleet]:
    """One worker that does two jobs at once; what a job may use goes by its channel."""
    base = tmp_path_factory.mktemp("harm")
    with tiny(base / "tiny", tiny_debs) as setup:
        bench = Bench(setup, Packhouse(base / "run", base / "store"), base)
        with fleet_of(bench) as made:
            made.worker(builds=2, limits={name: harm.limits for name, harm in HARMS.items()})
            yield made


@pytest.mark.parametrize("name", HARMS)
def test_a_harmful_job_ends_alone(name: str, fleet: Fleet) -> None:
    harm = HARMS[name]
    good = submit(fleet, f"beside-{name}", "for n in 1 2 3 4; do seq 100000 >/numbers; sleep 0.5; done")
    wait_until(lambda: fleet.at(good).state == "running", seconds=60)
    bad = fleet.ended(submit(fleet, name, harm.script.replace("MARK", MARKER)))
    wait_until(lambda: left_of(bad, fleet) == [], seconds=SOON)
    assert bad.state == "failed"
    assert bad.error is not None
    assert (bad.error.kind, bad.error.what) == ("limit", f"the job was ended: {harm.reason}")
    assert bad.error.why == "it was at: configure"
    assert "packhouse.yaml" in bad.error.hint
    log = fleet.log(bad)
    assert "--- config.sh" in log
    assert len(log) < LOG + 500_000
    assert sum(map(len, bad.error.log_tail)) < 100_000
    assert kept_bytes(fleet, bad) < LOG // 10, "it packs well"
    good = fleet.ended(good, seconds=60)
    assert (good.state, good.attempt, good.error) == ("done", 1, None)
    assert fleet.published(good.request.channel) == [1]
    assert fleet.published(bad.request.channel) == []
    wait_until(lambda: fleet.bench.command.leftovers() == [], seconds=SOON)
    assert mounts(fleet.bench.base) == []
    assert peak_memory(fleet.running[0].pid) < WORKER_MEMORY


def submit(fleet: Fleet, channel: str, script: str) -> Job:
    fleet.bench.setup.script(f"{script}\n")
    fleet.commit = GitRepo(fleet.bench.setup.description).commit(message=channel)
    return fleet.submit(channel, channel=channel)


def left_of(job: Job, fleet: Fleet) -> list[str]:
    """What is there of a job, seen from outside: processes, folders with its results and what it works on."""
    places = (fleet.bench.command.store / "staging", fleet.bench.base / "state" / "one")
    folders = [str(path) for place in places for path in place.glob(f"{job.id}*")]
    return folders + [f"process {pid}" for pid in marked()]


def marked() -> list[str]:
    """The processes of the machine that have our marker among their arguments."""
    return [pid for pid in process_ids() if MARKER.encode() in said(Path("/proc", pid, "cmdline"))]


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
