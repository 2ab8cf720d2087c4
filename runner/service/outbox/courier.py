# SPDX-License-Identifier: Apache-2.0
"""Take letters from the outbox and send them, for as long as the service runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import structlog

from runner.errors import PackhouseError
from runner.service.forges.model import Project, Report
from runner.service.forges.send import api_of, propose, send_status, withdraw
from runner.service.notify.notice import Notice
from runner.service.notify.send import send_notice
from runner.service.outbox.announce import ScheduledChange
from runner.service.outbox.errors import RefusedError, TryLaterError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from runner.service.config.model import PullRequest, Repository, ServiceConfig, Status
    from runner.service.jobs.store import JobStore
    from runner.service.outbox.http import HttpSender
    from runner.service.outbox.store import Claim, Letter, Outbox

_LOG = structlog.get_logger()
_IDLE = 0.5
_LAST = 3.0
"""Seconds for what is due when the sending is to end."""


class Courier:
    """Sends what is due; ``config`` and ``secret`` are asked anew for each letter, so that a reload counts."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        config: Callable[[], ServiceConfig],
        secret: Callable[[str], str],
        sender: HttpSender,
        jobs: JobStore,
    ) -> None:
        self._outbox = outbox
        self._config = config
        self._secret = secret
        self._sender = sender
        self._jobs = jobs

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop``, and for moments longer what is due by then; several threads may run it."""
        while not stop.is_set():
            if not self._try():
                stop.wait(_IDLE)
        until = time.monotonic() + _LAST  # the job that a runner drained for is not to look as if it still ran
        while time.monotonic() < until and self._try():
            pass

    def _try(self) -> bool:
        try:
            return self.run_once()
        except Exception as error:  # noqa: BLE001 - the database comes back, and a letter in hand is due again
            _LOG.warning("letters cannot be sent", error=type(error).__name__)
            return False

    def run_once(self) -> bool:
        """Send one letter, or try to; False when none is due."""
        claim = self._outbox.claim(time.time())
        if claim is None:
            return False
        try:
            self._send(claim.letter)
        except TryLaterError as error:
            self._later(claim, error)
        except RefusedError as error:
            self._log(claim).error("a letter was refused", error=error.what, why=error.why, hint=error.hint)
            self._not_proposed(claim.letter, error)
            self._outbox.refused(claim)
        except PackhouseError as error:  # the configuration or a secret, which somebody may mend
            self._later(claim, TryLaterError(error.what))
        except Exception as error:  # noqa: BLE001 - one letter with a fault of ours must not end all sending
            self._later(claim, TryLaterError(f"unexpected {type(error).__name__}"))
        else:
            self._outbox.sent(claim)
        return True

    def _later(self, claim: Claim, error: TryLaterError) -> None:
        if self._outbox.failed(claim, error, time.time()):
            self._log(claim).warning(
                "a letter could not be sent yet", error=error.what, attempts=claim.attempts + 1
            )
        else:
            self._log(claim).error("a letter was given up", error=error.what, attempts=claim.attempts + 1)
            self._not_proposed(claim.letter, error)

    def _send(self, letter: Letter) -> None:
        config = self._config()
        if letter.kind == "notice":
            to = config.notifications.get(letter.target)
            if to is not None:
                notice = msgspec.json.decode(letter.body, type=Notice)
                send_notice(self._sender, notice, to, secret=self._secret, now=time.time())
            return
        repository = config.repositories.get(letter.target)
        if repository is None:
            return  # it is not watched any more
        if letter.kind == "status":
            self._send_status(letter, repository)
        else:
            self._propose(letter, repository)

    def _send_status(self, letter: Letter, repository: Repository) -> None:
        if repository.status is not None:
            report = msgspec.json.decode(letter.body, type=Report)
            project = self._project(repository.status, repository)
            send_status(self._sender, repository.status.forge, project, report)

    def _propose(self, letter: Letter, repository: Repository) -> None:
        scheduled = msgspec.json.decode(letter.body, type=ScheduledChange)
        for schedule in repository.schedules:
            if schedule.name == scheduled.schedule and schedule.pull_request:
                self._propose_to(schedule.pull_request, repository, letter.target, scheduled)

    def _propose_to(
        self, place: PullRequest, repository: Repository, name: str, scheduled: ScheduledChange
    ) -> None:
        project = self._project(place, repository)
        if scheduled.settled:
            closed = withdraw(self._sender, place.forge, project, scheduled.change)
            if closed is not None:
                _LOG.info("a proposed change is closed", repository=name, url=closed.url)
            return
        pull = propose(self._sender, place.forge, project, scheduled.change)
        _LOG.info("a change is proposed", repository=name, url=pull.url)
        self._jobs.proposed(scheduled.job, url=pull.url)

    def _not_proposed(self, letter: Letter, error: PackhouseError) -> None:
        """Tell with the job what the forge said to a branch that is pushed, but that it does not offer."""
        if letter.kind == "change":
            scheduled = msgspec.json.decode(letter.body, type=ScheduledChange)
            why = f"{error.what}: {error.why}" if error.why else error.what
            if scheduled.settled:
                why = f"the one before is still open: {why}"
            self._jobs.proposed(scheduled.job, error=why)

    def _project(self, place: Status | PullRequest, repository: Repository) -> Project:
        api = api_of(place.forge, place.api, repository.url)
        return Project(api=api, name=place.project, token=self._secret(place.token))

    def _log(self, claim: Claim) -> structlog.typing.FilteringBoundLogger:
        letter = claim.letter
        bound: structlog.typing.FilteringBoundLogger = _LOG.bind(
            kind=letter.kind, target=letter.target, subject=letter.subject
        )
        return bound
