# SPDX-License-Identifier: Apache-2.0
"""From a job's change of state to the forge and the chat, through bad days, on both databases."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import sqlalchemy as sa
import structlog

from runner.digest import sha256_bytes
from runner.service.config.model import Notification, PullRequest, Repository, Schedule, ServiceConfig, Status
from runner.service.database.tables import OUTBOX
from runner.service.jobs.locks import LockTexts
from runner.service.jobs.model import Proposal
from runner.service.jobs.store import JobStore
from runner.service.outbox.announce import job_changed
from runner.service.outbox.courier import Courier
from runner.service.outbox.http import HttpSender
from runner.service.outbox.store import GIVE_UP, Outbox
from tests.support.bench import wait_until
from tests.support.forge import PROJECT, TOKEN, FakeForge, serve_forge
from tests.support.jobs import FAILURE, IMAGE, RELEASE, REQUEST
from tests.support.recorder import Answer, Recorder, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

CONTEXT = f"packhouse/{IMAGE}"


class World:
    """A runner's sending half, with a forge and a chat beside it."""

    def __init__(self, engine: Engine, forge: FakeForge, chat: Recorder, sender: HttpSender) -> None:
        self.engine, self.forge, self.chat = engine, forge, chat
        place: dict[str, Any] = {"forge": forge.kind, "project": PROJECT, "token": "forge", "api": forge.api}
        schedule = Schedule(nightly=True, pull_request=PullRequest(**place))
        images = Repository(
            url="ssh://git@forge.example/acme/images",
            status=Status(**place),
            notify=("chat",),
            schedules=(schedule,),
        )
        self.config = ServiceConfig(
            public_url="https://images.example",
            repositories={"images": images},
            notifications={"chat": Notification(kind="slack", url_secret="chat")},
        )
        self.secrets = {"forge": TOKEN, "chat": chat.url + "/services/canary-chat"}
        self.jobs = JobStore(engine, changed=lambda connection, job: job_changed(connection, job, self.config))
        self.outbox = Outbox(engine)
        self.courier = Courier(
            self.outbox, config=lambda: self.config, secret=self.secret, sender=sender, jobs=self.jobs
        )

    def secret(self, name: str) -> str:
        return self.secrets[name]

    def fail_a_job(self) -> None:
        job = self.jobs.add(REQUEST)
        assert job is not None
        self.jobs.begin(job.id, "worker")
        self.jobs.end(job.id, 1, "failed", error=FAILURE)

    def offer_a_lock(self, text: str) -> str:
        """End a job whose lock was pushed; the id of the job."""
        job = self.jobs.add(msgspec.structs.replace(REQUEST, schedule="nightly", nonce=text))
        assert job is not None
        self.jobs.begin(job.id, "worker")
        digest = sha256_bytes(text.encode())
        LockTexts(self.engine).keep(digest, text)
        proposal = Proposal(branch="packhouse/lock", base="main", title="Refresh the lock", text=digest)
        self.jobs.end(job.id, 1, "done", result=msgspec.structs.replace(RELEASE, proposal=proposal))
        return job.id

    def proposal(self, job_id: str) -> Proposal:
        job = self.jobs.get(job_id)
        assert job is not None
        assert job.result is not None
        assert job.result.proposal is not None
        return job.result.proposal

    def send_all(self) -> int:
        """Send what is due; how often something was tried."""
        tried = 0
        while self.courier.run_once():
            tried += 1
        return tried

    def let_time_pass(self, seconds: float = 0.0) -> None:
        """Have everything due, and as old as if it were written ``seconds`` ago."""
        with self.engine.begin() as connection:
            connection.execute(sa.update(OUTBOX).values(due_at=0.0, created_at=time.time() - seconds))

    def errors(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(OUTBOX.c.error).order_by(OUTBOX.c.id)).scalars())


@pytest.fixture(params=["github", "gitlab", "gitea", "forgejo"])
def world(request: pytest.FixtureRequest, engine: Engine) -> Iterator[World]:
    with serve_forge(request.param) as forge, serve() as chat, HttpSender() as sender:
        yield World(engine, forge, chat, sender)


@pytest.fixture
def github(engine: Engine) -> Iterator[World]:
    with serve_forge("github") as forge, serve() as chat, HttpSender() as sender:
        yield World(engine, forge, chat, sender)


def test_a_failure_reaches_forge_and_chat(world: World) -> None:
    world.fail_a_job()
    assert world.send_all() == 2
    status = world.forge.newest(CONTEXT)
    assert (status.commit, status.description) == ("c" * 40, FAILURE.what)
    assert status.state == ("failed" if world.forge.kind == "gitlab" else "failure")
    assert "failed on main" in world.chat.seen[0].json()["text"]
    assert world.outbox.pending() == 0


def test_bad_days_are_waited_out(github: World) -> None:
    github.fail_a_job()
    github.forge.script.extend([Answer(500), Answer(429, {}, {"Retry-After": "600"}), Answer(hang_up=True)])
    github.chat.script.extend([Answer(503), Answer(408)])
    for tried, left in ((2, 2), (2, 2), (2, 1), (1, 0)):
        assert github.send_all() == tried
        assert github.outbox.pending() == left
        github.let_time_pass()
    assert github.forge.newest(CONTEXT).state == "failure"
    assert len(github.chat.seen) == 3


def test_a_forge_that_asks_for_a_pause_gets_one(github: World) -> None:
    github.forge.script.append(Answer(429, {}, {"Retry-After": "600"}))
    for commit in ("a" * 40, "b" * 40):
        github.jobs.add(msgspec.structs.replace(REQUEST, commit=commit))
    assert github.send_all() == 1, "the other status waits, too"
    with github.engine.connect() as connection:
        due = connection.execute(sa.select(OUTBOX.c.due_at)).scalars().all()
    assert all(599 < each - time.time() <= 601 for each in due)


def test_a_refusal_is_logged_and_not_tried_again(github: World) -> None:
    github.secrets["forge"] = "canary-expired"
    github.fail_a_job()
    with structlog.testing.capture_logs() as logs:
        github.send_all()
    assert github.outbox.pending() == 0
    (told,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert (told["kind"], told["target"]) == ("status", "images")
    assert "401" in told["error"]
    assert "canary" not in str(logs)


def test_what_cannot_be_sent_for_days_is_given_up_and_logged(github: World) -> None:
    github.fail_a_job()
    github.forge.script.append(Answer(500))
    github.let_time_pass(GIVE_UP + 1)
    with structlog.testing.capture_logs() as logs:
        github.send_all()
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["a letter was given up"]
    assert github.outbox.pending() == 0


def test_a_secret_that_is_missing_may_come_back(github: World) -> None:
    del github.secrets["forge"]
    github.fail_a_job()
    github.send_all()
    assert github.errors() == ["unexpected KeyError"]
    github.secrets["forge"] = TOKEN
    github.let_time_pass()
    github.send_all()
    assert github.forge.newest(CONTEXT).state == "failure"


def test_an_api_that_is_not_named_is_asked_for(github: World) -> None:
    images = github.config.repositories["images"]
    assert images.status
    nowhere = msgspec.structs.replace(images, status=msgspec.structs.replace(images.status, api=""))
    github.config = msgspec.structs.replace(github.config, repositories={"images": nowhere})
    github.jobs.add(REQUEST)
    github.send_all()
    assert "API of github" in github.errors()[0]


def test_no_secret_is_kept_in_the_database_or_told(github: World) -> None:
    github.forge.script.append(Answer(500, {"echo": TOKEN}))
    github.chat.script.append(Answer(hang_up=True))
    github.fail_a_job()
    with structlog.testing.capture_logs() as logs:
        github.send_all()
    with github.engine.connect() as connection:
        rows = str(connection.execute(sa.select(OUTBOX)).all())
    assert len(github.errors()) == 2
    assert "canary" not in rows + str(logs)


def test_a_database_that_fails_does_not_end_the_sending(github: World) -> None:
    github.fail_a_job()
    with github.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE outbox RENAME TO away"))
    stop = threading.Event()
    sending = threading.Thread(target=github.courier.run, args=(stop,))
    with structlog.testing.capture_logs() as logs:
        sending.start()
        wait_until(lambda: bool(logs), seconds=30)
    with github.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO outbox"))
    wait_until(lambda: github.outbox.pending() == 0, seconds=30)
    stop.set()
    sending.join(10)
    assert github.forge.newest(CONTEXT).state == "failure"


def test_what_is_configured_no_more_is_dropped(github: World) -> None:
    github.fail_a_job()
    github.config = ServiceConfig()
    github.send_all()
    assert github.outbox.pending() == 0
    assert github.forge.recorder.seen == github.chat.seen == []


def test_a_refreshed_lock_is_proposed(world: World) -> None:
    for text in ("first", "second"):
        job = world.offer_a_lock(text)
        world.send_all()
        assert world.proposal(job).url.endswith("/pulls/1")
    (pull,) = world.forge.pulls
    assert (pull.branch, pull.base) == ("packhouse/lock", "main")
    assert "second" in pull.body


def test_a_proposal_that_is_given_up_is_told_with_its_job(github: World) -> None:
    job = github.offer_a_lock("text")
    github.config = msgspec.structs.replace(github.config, notifications={})
    github.let_time_pass()
    github.forge.script.extend([Answer(502)] * 9)
    github.send_all()
    assert github.proposal(job).error == "", "it may still work"
    github.let_time_pass(GIVE_UP)
    github.send_all()
    assert "answered 502" in github.proposal(job).error
    assert github.outbox.pending() == 0


def test_the_last_state_is_what_the_forge_shows_whoever_sends(github: World) -> None:
    """Several senders, a forge that stumbles, and states that come while older ones are on their way."""
    stop = threading.Event()
    senders = [threading.Thread(target=github.courier.run, args=(stop,)) for _ in range(3)]
    for each in senders:
        each.start()
    try:
        for number in range(8):
            job = github.jobs.add(msgspec.structs.replace(REQUEST, commit=f"{number:040x}"))
            assert job is not None
            github.forge.script.append(Answer(500))
            time.sleep(0.02)
            github.jobs.begin(job.id, "worker")
            time.sleep(0.02)
            github.jobs.end(job.id, 1, "done", result=RELEASE)
        deadline = time.monotonic() + 30
        while github.outbox.pending() and time.monotonic() < deadline:
            github.let_time_pass()
            time.sleep(0.1)
    finally:
        stop.set()
        for each in senders:
            each.join(10)
    last: dict[str, Any] = {status.commit: status.state for status in github.forge.statuses}
    assert last == {f"{number:040x}": "success" for number in range(8)}
