# SPDX-License-Identifier: Apache-2.0
"""A runner whose database is filled by hand: jobs in every state, with names that would like to be markup."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from runner.packages import lockfile
from runner.packages.lock import Lock, LockedPackage, Solver
from runner.release.changes import Previous, PreviousRelease, changes_since, encode_changes
from runner.service.database.tables import JOBS, PHASES, WORKERS
from runner.service.jobs.earlier import EarlierBuilds
from runner.service.jobs.locks import LockTexts
from runner.service.jobs.model import Artifact, ImageKey, JobError, JobRequest, JobResult
from runner.service.logs.writer import LogWriter
from runner.service.queue.workers import WorkerRecord
from runner.service.schedule.memory import ScheduleRecord
from runner.service.serve import opened
from runner.service.steps.order import ScannedDescription
from runner.service.watch.memory import WatchRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from runner.service.jobs.model import Job
    from runner.service.serve import Runner
    from runner.service.steps.order import EarlierBuild

SCRIPT = "<script>alert(1)</script>"
QUOTED = "\"><img src=x onerror='alert(2)'>"
TOKENS = {"TOKEN_ADMIN": "admin-token-0123456789", "TOKEN_TRIGGER": "trigger-token-0123456789"}
COMMIT = "c0ffee12345678900d15ea5e0ddba11000decade"
SECRET = "hook-secret-canary-0123456789"
IMAGE = ImageKey(
    repository="servers", subdir=f"images/{SCRIPT}", profiles=(QUOTED,), type_name="oem", arch="x86_64"
)
PLAIN = ImageKey(repository="servers", subdir="server", type_name="oem", arch="x86_64")
CALM = msgspec.structs.replace(IMAGE, subdir="desktop", profiles=("live",))
ESCAPES = (
    "\x1b[31mred\x1b[0m plain \x1b[1;32mbold green\x1b[0m",
    "\x1b[7minverse\x1b[0m \x1b[38;5;208morange\x1b[m",
)

CONFIG = """\
state: {state}
{database}listen: 127.0.0.1:0
public_url: https://images.example.org
secrets:
  admin: {{env: TOKEN_ADMIN}}
  trigger: {{env: TOKEN_TRIGGER}}
  hook: {{env: HOOK_SECRET}}
  database: {{env: DATABASE_URL}}
tokens:
  boss: {{secret: admin, role: admin}}
  helper: {{secret: trigger, role: trigger}}
destinations:
  images:
    url: s3://images/releases
    settings: {{AWS_ENDPOINT_URL: "https://s3.example.org"}}
    channels: {{main: edge}}
    tag_channels: {{"v*": stable}}
repositories:
  servers:
    url: https://git.example.org/servers.git
    tags: ["v*"]
    destination: images
    webhook: {{forge: github, secrets: [hook]}}
    schedules: [{{name: nightly, nightly: true}}]
  empty:
    url: https://git.example.org/empty.git
"""


@contextlib.contextmanager
def runner_in(folder: Path, *, own_database: bool = True) -> Iterator[Runner]:
    """Open a runner with tokens and a webhook; the variables of ``environment()`` must be set.

    Its database is SQLite unless it is not its ``own_database``; then ``DATABASE_URL`` tells where it is.
    """
    path, database = folder / "packhouse.yaml", "" if own_database else "database_secret: database\n"
    path.write_text(CONFIG.format(state=folder / "state", database=database))
    with opened(path) as runner:
        runner.watches.know(list(runner.settings.config.repositories))
        yield runner


def environment() -> dict[str, str]:
    return {**TOKENS, "HOOK_SECRET": SECRET}


def request(image: ImageKey = PLAIN, **changes: Any) -> JobRequest:
    made = JobRequest(
        image=image,
        ref="refs/heads/main",
        commit=COMMIT,
        trigger="push",
        destination="images",
        channel="edge",
        nonce=str(time.monotonic_ns()),
    )
    return msgspec.structs.replace(made, **changes)


def add(runner: Runner, asked: JobRequest) -> Job:
    job = runner.jobs.add(asked, labels=("x86_64",))
    assert job is not None
    return job


def begin(runner: Runner, job: Job, lines: Iterable[str] = (), worker: str = "builder-1") -> Job:
    """Begin an attempt, say ``lines``, and pass a few phases."""
    begun = runner.jobs.begin(job.id, worker)
    assert begun is not None
    at = time.time() - 100
    for position, (name, seconds) in enumerate(
        (("plan", 1.2), ("lock", 7.1), ("prepare", 41.0), ("create", None))
    ):
        row = {"job": job.id, "attempt": begun.attempt, "position": position, "name": name, "started_at": at}
        at += seconds or 0.0
        end = {"ended_at": at if seconds else None, "cached": name == "lock"}
        with runner.engine.begin() as connection:
            connection.execute(sa.insert(PHASES).values(**row, **end))
    with LogWriter(runner.engine, job.id, begun.attempt) as log:
        for line in lines:
            log(line)
    return begun


def done(runner: Runner, asked: JobRequest, number: int, size: int, packages: dict[str, str]) -> Job:
    """A job that published release ``number`` of ``size`` bytes."""
    job = begin(runner, add(runner, asked), ("building", "done"))
    digest = f"{number:064x}"
    with runner.engine.begin() as connection:
        last = sa.update(PHASES).where(PHASES.c.job == job.id, PHASES.c.ended_at.is_(None))
        connection.execute(last.values(ended_at=time.time()))
    LockTexts(runner.engine).keep(digest, lockfile.render(lockfile.LockFile(locks=(lock_of(packages),))).decode())
    earlier = EarlierBuilds(runner.jobs, job)
    artifacts = (Artifact(name=f"server.x86_64-1.0.{number}.raw", size=size, sha256="e" * 64),)
    result = JobResult(
        name="server",
        version=f"1.0.{number}",
        manifest="d" * 64,
        channel=asked.channel,
        number=number,
        url="s3://images/releases",
        keyid="a1b2c3",
        lock=digest,
        artifacts=artifacts,
        boot=12.3,
        compared=earlier.keep(changes_text(earlier.to_compare(), f"1.0.{number}", packages, size)),
    )
    assert runner.jobs.end(job.id, job.attempt, "done", result=result)
    found = runner.jobs.get(job.id)
    assert found is not None
    return found


def changes_text(before: EarlierBuild | None, version: str, packages: dict[str, str], size: int) -> str:
    if before is None:
        return ""
    previous = Previous(
        release=PreviousRelease(manifest=before.manifest, version=before.version, number=before.number),
        packages=lockfile.parse(before.lock.encode()).locks[0].packages,
        files=before.files,
    )
    changes = changes_since(
        previous,
        version=version,
        packages=lock_of(packages).packages,
        files={f"server.x86_64-{version}.raw": size},
    )
    return encode_changes(changes).decode()


def lock_of(packages: dict[str, str]) -> Lock:
    known: dict[str, Any] = {
        "request": "0" * 64,
        "description": "0" * 64,
        "manager": "apt",
        "arch": "x86_64",
        "epoch": 1_700_000_000,
        "repositories": (),
        "toolchain": (),
        "solver": Solver(name="apt", version="2.6", recommends=False),
        "packages": tuple(package(name, version) for name, version in packages.items()),
    }
    return Lock(**{name: value for name, value in known.items() if name in Lock.__struct_fields__})


def package(name: str, version: str) -> LockedPackage:
    return LockedPackage(
        name=name,
        version=version,
        arch="amd64",
        repository="debian",
        path=f"pool/{name}.deb",
        sha256="f" * 64,
        size=1000,
        source=name,
        phase="image",
        reason="requested",
    )


def fill(runner: Runner, *, calm: bool = False) -> dict[str, Job]:
    """Put a job of every kind into the database, and everything around them; ``calm`` has ordinary names."""
    image, script, quoted = (CALM, "desktop", "-exit-code-1") if calm else (IMAGE, SCRIPT, QUOTED)
    log = [script, quoted, *ESCAPES, *(f"line {number} of the build" for number in range(200))]
    jobs = {
        "first": done(runner, request(), 1, 400 << 20, {"bash": "5.1", "tzdata": "2026a", "old": "1"}),
        "second": done(runner, request(), 2, 420 << 20, {"bash": "5.2", "tzdata": "2026a", script: "1.0"}),
        "third": done(runner, request(commit=COMMIT[::-1]), 3, 410 << 20, {"bash": "5.2", "tzdata": "2026b"}),
    }
    hostile = request(image, ref=f"refs/heads/{script}{quoted}")
    failed = begin(runner, add(runner, hostile), log)
    why = JobError(
        kind="build", what=f"config.sh failed: {script}", why=quoted, hint="mend it", log_tail=(script,)
    )
    runner.jobs.end(failed.id, failed.attempt, "failed", error=why)
    cancelled = add(runner, request())
    runner.dispatcher.cancel(cancelled.id, f"by {script}")
    first_try = begin(runner, add(runner, request()), log[:20], "builder-2")
    running = begin(runner, first_try, log, "builder-1")
    jobs |= {"failed": failed, "cancelled": cancelled, "running": running, "waiting": add(runner, request(image))}
    _surround(runner, script, quoted)
    _spread(runner)
    return {name: found for name, job in jobs.items() if (found := runner.jobs.get(job.id))}


def _surround(runner: Runner, script: str, quoted: str) -> None:
    now = time.time()
    for name in ("builder-1", "builder-2"):
        labels = ("x86_64", "kvm")
        runner.workers.beat(WorkerRecord(id=name, host=name, labels=labels, builds=1, started_at=now, seen_at=now))
    with runner.engine.begin() as connection:
        silent = sa.update(WORKERS).where(WORKERS.c.id == "builder-2")
        connection.execute(silent.values(seen_at=now - 3600))
    runner.watches.moved("servers", "refs/heads/main", COMMIT, [
        ScannedDescription(subdir="server", digest="1" * 64, images=(PLAIN,)),
        ScannedDescription(subdir=script, digest="2" * 64, problems=(f"no such type {quoted}",)),
    ])  # fmt: skip
    record = WatchRecord(repository="servers", polled_at=now, due_at=now + 300, default_branch="refs/heads/main")
    runner.watches.looking("servers", 60)
    runner.watches.looked(record)
    runner.watches.looking("empty", 60)
    error = f"the repository cannot be read: {script}"
    runner.watches.looked(
        WatchRecord(repository="empty", polled_at=now, due_at=now + 900, failures=2, error=error)
    )
    runner.schedules.keep(
        ScheduleRecord(
            repository="servers", name="nightly", cron="0 2 * * * UTC 0.0", due_at=now + 7200, note=script
        )
    )


def _spread(runner: Runner) -> None:
    """Let the jobs that ended have taken some time."""
    with runner.engine.begin() as connection:
        ended = JOBS.c.state.in_(("done", "failed"))
        shift = JOBS.c.number * 7.0
        connection.execute(sa.update(JOBS).where(ended).values(started_at=JOBS.c.ended_at - 90.0 - shift))
