# SPDX-License-Identifier: Apache-2.0
"""The body of a job: lock, find, build, publish, propose. Each is a durable step: a crash goes on where it was.

Every attempt has to take the same steps in the same order, so what decides the way is the outcome of a step, too.

A job has one owner at a time: who began its newest attempt. An older owner finds that out within a second, ends
what it runs and says nothing more. Should both get as far as publishing, the storage takes one release.
"""

from __future__ import annotations

import shutil
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Required, TypedDict, TypeVar

import msgspec

from runner.digest import sha256_bytes
from runner.engine.job import Failed, LogLine, Phase, Started, Warned, failed, raised
from runner.errors import PackhouseError, UsageError
from runner.pipeline.machine import LABEL, STORE
from runner.process import StoppedError
from runner.redact import Redactor
from runner.service.database.patience import AWAY, patiently
from runner.service.jobs.earlier import EarlierBuilds, Finding
from runner.service.jobs.later import overtaken_by
from runner.service.jobs.locks import LockTexts
from runner.service.jobs.model import JobError, JobResult, Proposal
from runner.service.jobs.phases import Phases
from runner.service.logs.writer import LogWriter
from runner.service.queue.api import Abandoned
from runner.service.queue.orders import Orders
from runner.service.queue.retries import delay_before
from runner.service.steps.launch import Surroundings, run_step
from runner.service.steps.order import Built, Locked, Outcome, Proposed, Published

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from runner.service.jobs.model import Job, State
    from runner.service.jobs.store import JobStore
    from runner.service.queue.api import Durable
    from runner.service.queue.settings import JobSettings, SettingsOf
    from runner.service.steps.order import BuildOrder, Order, ProposeOrder, StepEvent

_T = TypeVar("_T")
_LOOK_SECONDS = 0.5


class _Cancelled(BaseException):
    """Somebody wants the job ended; like an abandoned one's, its step has no outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What the jobs of one worker share.

    Attributes:
        work: folder for results until they are published.
        stopping: set when this worker is to let go of its jobs.
        draining: set when it is to begin no new ones.
    """

    engine: Engine
    jobs: JobStore
    worker: str
    work: Path
    settings_of: SettingsOf
    stopping: threading.Event
    draining: threading.Event = field(default_factory=threading.Event)


def run_job(place: Workplace, job_id: str, durable: Durable) -> None:
    """Do the job, or what is left of it, and note how it ended.

    Raises:
        Abandoned: another worker has it now, or will have; or the database is away, and it goes on afterwards.
    """
    try:
        job = place.jobs.begin(job_id, place.worker)
        if job is None:
            _end_unbegun(place, job_id)
            return
        with LogWriter(place.engine, job.id, job.attempt) as log:
            end = _end_of(place, job, durable, log)
        # who hears of the end finds all of the log, and nothing of the result
        patiently(lambda: _tidy(place, job), over=place.stopping)
        ended = patiently(lambda: place.jobs.end(job.id, job.attempt, **end), over=place.stopping)
    except AWAY:
        raise Abandoned from None
    if not ended:
        raise Abandoned


class _End(TypedDict, total=False):
    """How a job ended, as :meth:`JobStore.end` takes it."""

    state: Required[State]
    result: JobResult
    error: JobError


def _end_of(place: Workplace, job: Job, durable: Durable, log: LogWriter) -> _End:
    """Take every step of the job that is left."""
    redact = Redactor()
    try:
        settings = place.settings_of(job.request)
        redact = settings.redact
        return {"state": "done", "result": _Attempt(place, job, durable, log, settings).to_the_end()}
    except _Cancelled:
        return {"state": "cancelled"}
    except PackhouseError as error:
        log(str(error))
        return {"state": "failed", "error": _job_error(error)}
    except AWAY:
        raise
    except Exception as error:  # noqa: BLE001  # a fault of ours ends this job, and is told where people look
        what = _told(error, log, redact)
        hint = "this is a bug; its traceback is in the job's log"
        return {"state": "failed", "error": JobError(kind="internal", what=what, hint=hint)}


def _told(error: Exception, log: LogWriter, redact: Redactor) -> str:
    """Tell of a fault of ours where people look, and return it in short."""
    log(redact("".join(traceback.format_exception(error))))
    return f"internal error: {type(error).__name__}"


def _end_unbegun(place: Workplace, job_id: str) -> None:
    """A job that was cancelled before this worker came to it."""
    job = place.jobs.get(job_id)
    if job is not None and job.cancel:
        place.jobs.end(job_id, job.attempt, "cancelled")


def _tidy(place: Workplace, job: Job) -> None:
    """Erase the result, which is published or of no use, unless a newer attempt of this worker writes there."""
    now = place.jobs.get(job.id)
    if now is not None and now.attempt == job.attempt:
        shutil.rmtree(place.work / job.id, ignore_errors=True)


def _job_error(error: PackhouseError) -> JobError:
    return JobError(
        kind=error.kind,
        what=error.what,
        where=str(error.where or ""),
        why=error.why or "",
        hint=error.hint or "",
        exit_code=error.exit_code,
        log_tail=error.log_tail,
    )


class _Attempt:
    """One attempt at a job."""

    def __init__(
        self, place: Workplace, job: Job, durable: Durable, log: LogWriter, settings: JobSettings
    ) -> None:
        self._place, self._job, self._durable, self._log = place, job, durable, log
        self._phases = Phases(place.engine, job.id, job.attempt)
        self._settings = settings
        self._earlier = EarlierBuilds(place.jobs, job)
        self._target = place.work / job.id / "result"
        self._orders = Orders(job, settings, self._target)
        self._looked_at = 0.0

    def to_the_end(self) -> JobResult:
        """Take every step that is left.

        Raises:
            PackhouseError: what stopped the job.
        """
        locked = self._step("lock", self._orders.lock(self._known()))
        assert isinstance(locked, Locked)  # noqa: S101  # what a lock order gives
        found = self._find(locked)
        self._earlier = EarlierBuilds(self._place.jobs, self._job, found)
        done = self._build(locked, found)
        self._patiently(lambda: LockTexts(self._place.engine).keep(locked.digest, locked.text))
        return msgspec.structs.replace(done, proposal=self._propose(locked, found))

    def _find(self, locked: Locked) -> Finding:
        """Look at the builds before this one; what ends from now on is none of them."""

        def look() -> str:
            return msgspec.json.encode(self._patiently(lambda: self._earlier.find(locked.digest))).decode()

        return msgspec.json.decode(self._durable.step("find", lambda: _here(look)), type=Finding)

    def _build(self, locked: Locked, found: Finding) -> JobResult:
        request = self._job.request
        done = JobResult(name=locked.name, version=locked.version, lock=locked.digest, channel=request.channel)
        if found.unchanged:
            return msgspec.structs.replace(done, unchanged=True)
        built = self._step("build", self._build_order(locked.text))
        assert isinstance(built, Built)  # noqa: S101
        done = msgspec.structs.replace(
            done,
            manifest=built.manifest,
            keyid=built.keyid,
            artifacts=built.artifacts,
            boot=built.boot,
            compared=self._patiently(lambda: self._earlier.keep(built.changes)),
        )
        if not self._settings.storage:
            return done
        published = self._step("publish", self._orders.publish(), before=lambda: self._rebuild(locked.text))
        assert isinstance(published, Published)  # noqa: S101
        return msgspec.structs.replace(
            done, manifest=published.manifest, number=published.number, url=self._settings.storage
        )

    def _propose(self, locked: Locked, found: Finding) -> Proposal | None:
        """Offer the lock to the repository; what stops that is told, and stops nothing else."""
        order = self._orders.propose(locked.text)
        if order is None:
            return None
        if found.unchanged and found.proposed:
            return Proposal()
        try:
            return self._offer(order)
        except _Cancelled:  # what was built is out: the job has its result
            return Proposal(error="the job was cancelled")
        except PackhouseError as error:
            self._log(f"warning: the refreshed lock is not proposed\n{error}")
            return Proposal(error=f"{error.what}: {error.why}" if error.why else error.what)
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001  # a fault of ours is not worth what was published either
            return Proposal(error=_told(error, self._log, self._settings.redact))

    def _offer(self, order: ProposeOrder) -> Proposal:
        made = self._step("propose", order, before=self._require_newest)
        assert isinstance(made, Proposed)  # noqa: S101
        if not made.branch:
            return Proposal(settled=order.branch)
        digest = sha256_bytes(made.text.encode())
        self._patiently(lambda: LockTexts(self._place.engine).keep(digest, made.text))
        return Proposal(branch=made.branch, base=made.base, title=made.title, text=digest)

    def _require_newest(self) -> None:
        other = self._patiently(lambda: overtaken_by(self._place.jobs, self._job))
        if other is not None:
            raise UsageError("a later build proposes its lock", why=f"job {other.number} has begun meanwhile")

    def _step(self, name: str, order: Order, before: Callable[[], None] = lambda: None) -> Outcome:
        """Take a step durably; what may get better by itself is tried again."""
        tried = 0
        while True:
            text = self._durable.step(name, lambda: _here(lambda: self._do(order, before)))
            outcome: Outcome | Failed = msgspec.json.decode(text, type=Outcome | Failed)
            if not isinstance(outcome, Failed):
                return outcome
            error, tried = raised(outcome), tried + 1
            delay = delay_before(tried, error)
            if delay is None:
                raise error
            self._log(f"{error}\ntrying again in {delay:g} s")
            self._wait(delay)

    def _wait(self, seconds: float) -> None:
        """Wait; a job that is resumed meanwhile waits only for the rest, and one that is cancelled ends at once.

        A worker that drains does not wait: what may take minutes is the next one's.
        """
        until = float(self._durable.step("wait", lambda: str(time.time() + seconds)))
        while (left := until - time.time()) > 0:
            self._leave()
            if self._place.draining.wait(min(left, _LOOK_SECONDS)):
                raise Abandoned

    def _do(self, order: Order, before: Callable[[], None]) -> str:
        self._leave()
        try:
            before()
            outcome: Outcome | Failed = run_step(order, self._surroundings(), self._hear)
        except StoppedError:
            self._leave()
            raise Abandoned from None  # for the moment of a doubt: it is the newest attempt that goes on
        except PackhouseError as error:
            outcome = failed(error)
        self._leave()
        return msgspec.json.encode(outcome).decode()

    def _known(self) -> str:
        return self._earlier.newest_lock() if self._job.request.refresh else ""

    def _build_order(self, lock: str) -> BuildOrder:
        return self._orders.build(lock, self._earlier.to_compare())

    def _rebuild(self, lock: str) -> None:
        """Have the result here: it is on the machine that built it, which may be another one."""
        if not any(self._target.glob("*.manifest.json")):
            self._log("the result is not on this machine: building it again")
            run_step(self._build_order(lock), self._surroundings(), self._hear)

    def _leave(self) -> None:
        """End here when the job is another worker's by now, or is to be cancelled."""
        job = self._patiently(lambda: self._place.jobs.get(self._job.id))
        if job is None or job.attempt != self._job.attempt or job.has_ended:
            raise Abandoned
        if job.cancel:
            raise _Cancelled
        if self._place.stopping.is_set():
            raise Abandoned

    def _is_over(self) -> bool:
        if self._place.stopping.is_set():
            return True
        now = time.monotonic()
        if now - self._looked_at < _LOOK_SECONDS:
            return False
        self._looked_at = now
        try:
            return not self._place.jobs.is_current(self._job.id, self._job.attempt)
        except AWAY:
            return False  # nobody can tell now; the step goes on, and is asked about again at its end

    def _patiently(self, do: Callable[[], _T]) -> _T:
        return patiently(do, over=self._place.stopping)

    def _surroundings(self) -> Surroundings:
        settings, label = self._settings, f"{self._job.id}-"
        staging = Path(settings.environment[STORE]) / "staging" if STORE in settings.environment else None
        return Surroundings(
            environment={**settings.environment, LABEL: label},
            redact=settings.redact,
            seconds=settings.seconds,
            log_bytes=settings.log_bytes,
            memory=settings.memory,
            disk=settings.disk,
            processes=settings.processes,
            folders=lambda: [self._target, *_scratch(staging, label)],
            scratch=lambda: _scratch(staging, label),
            stop=self._is_over,
        )

    def _hear(self, event: StepEvent) -> None:
        match event:
            case LogLine(line):
                self._log(line)
            case Started(name):
                self._patiently(lambda: self._phases.started(name))
            case Phase():
                self._patiently(lambda: self._phases.finished(event.name, event.seconds, cached=event.cached))
            case Warned(text):
                self._log(f"warning: {text}")
            case _:
                pass


def _here(do: Callable[[], str]) -> str:
    """Return the outcome of a step; without a database there is none to be kept, and it is taken again."""
    try:
        return do()
    except AWAY:
        raise Abandoned from None


def _scratch(staging: Path | None, label: str) -> list[Path]:
    return list(staging.glob(f"{label}*")) if staging else []
