# SPDX-License-Identifier: Apache-2.0
"""The life of a job as each forge is told of it, whoever dies and whatever a forge answers; on both databases."""

from __future__ import annotations

import itertools
import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.service.config.model import Repository, ServiceConfig, Status
from runner.service.database.tables import OUTBOX
from runner.service.jobs.store import JobStore
from runner.service.outbox.announce import job_changed
from runner.service.outbox.courier import Courier
from runner.service.outbox.http import HttpSender
from runner.service.outbox.store import Outbox
from tests.support.bench import wait_until
from tests.support.courier import running
from tests.support.forge import PROJECT, TOKEN, FakeForge, Kind, serve_forge
from tests.support.jobs import FAILURE, IMAGE, RELEASE, REQUEST
from tests.support.recorder import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from runner.service.jobs.model import Job, State

KINDS: tuple[Kind, ...] = get_args(Kind)
PUBLIC = "https://images.example/packhouse"
LONG = msgspec.structs.replace(FAILURE, what="\x1b[1mconfig.sh\r\n\N{BUG} ended " + "badly " * 1000)
OURS = msgspec.structs.replace(FAILURE, kind="internal", what="internal error: KeyError")
DISK = msgspec.structs.replace(FAILURE, kind="storage", what="the bucket is full")

Step = Literal["add", "begin", "cancel", "done", "failed", "fault", "disk", "cancelled"]
WAITS, RUNS = ("pending", "pending", "Waiting"), ("pending", "running", "Building")
STORIES: tuple[tuple[tuple[Step, tuple[str, str, str]], ...], ...] = (
    (("add", WAITS), ("begin", RUNS), ("done", ("success", "success", "Release 17 in edge"))),
    (("add", WAITS), ("begin", RUNS), ("failed", ("failure", "failed", "[1mconfig.sh \ufffd ended badly"))),
    (("add", WAITS), ("begin", RUNS), ("fault", ("error", "failed", "internal error: KeyError"))),
    (("add", WAITS), ("begin", RUNS), ("disk", ("error", "failed", "the bucket is full"))),
    (("add", WAITS), ("cancel", WAITS), ("cancelled", ("error", "canceled", "Cancelled: superseded by job 99"))),
    (
        ("add", WAITS),
        ("begin", RUNS),
        ("cancel", RUNS),
        ("cancelled", ("error", "canceled", "Cancelled: superseded by job 99")),
    ),
    (("add", WAITS), ("begin", RUNS), ("begin", RUNS), ("done", ("success", "success", "Release 17 in edge"))),
)
"""What happens to a job, and what GitHub's family and GitLab then show."""


class Forges:
    """One of each kind, a runner that watches a repository on each, and its sending half."""

    def __init__(self, engine: Engine, forges: dict[Kind, FakeForge], sender: HttpSender) -> None:
        self.engine, self.forges = engine, forges
        self.secrets: dict[str, str] = dict.fromkeys(forges, TOKEN)
        self.config = ServiceConfig(
            public_url=PUBLIC,
            repositories={
                kind: Repository(
                    url="ssh://git@forge.example/acme/images",
                    status=Status(forge=kind, project=PROJECT, token=kind, api=forge.api),
                )
                for kind, forge in forges.items()
            },
        )
        self.jobs = JobStore(engine, changed=lambda connection, job: job_changed(connection, job, self.config))
        self.outbox = Outbox(engine)
        self.sender = sender
        self._commits = (f"{number:040x}" for number in itertools.count(1))

    def courier(self) -> Courier:
        return Courier(
            self.outbox,
            config=lambda: self.config,
            secret=self.secrets.__getitem__,
            sender=self.sender,
            jobs=self.jobs,
        )

    def send_all(self) -> int:
        """Have a courier that knows nothing of those before send what is due; how often it tried."""
        courier, tried = self.courier(), 0
        while courier.run_once():
            tried += 1
        return tried

    def add(self, kind: Kind, commit: str = "") -> Job:
        image = msgspec.structs.replace(IMAGE, repository=kind)
        job = self.jobs.add(msgspec.structs.replace(REQUEST, image=image, commit=commit or next(self._commits)))
        assert job is not None
        return job

    def take(self, step: Step, job: Job) -> None:
        """Have something happen to a job."""
        now = self.jobs.get(job.id)
        assert now is not None
        ends: dict[Step, tuple[State, dict[str, Any]]] = {
            "done": ("done", {"result": RELEASE}),
            "failed": ("failed", {"error": LONG}),
            "fault": ("failed", {"error": OURS}),
            "disk": ("failed", {"error": DISK}),
            "cancelled": ("cancelled", {}),
        }
        if step == "begin":
            assert self.jobs.begin(job.id, "worker")
        elif step == "cancel":
            assert self.jobs.ask_to_cancel(job.id, "superseded by job 99")
        else:
            state, more = ends[step]
            assert self.jobs.end(job.id, now.attempt, state, **more)

    def states(self, kind: Kind, job: Job) -> list[str]:
        """What the forge took about the job, in order."""
        return [each.state for each in self.forges[kind].statuses if each.commit == job.request.commit]

    def let_time_pass(self) -> None:
        """Have every pause and every lease be over."""
        with self.engine.begin() as connection:
            connection.execute(sa.update(OUTBOX).values(due_at=0.0, held_until=0.0))


@pytest.fixture
def world(engine: Engine) -> Iterator[Forges]:
    with ExitStack() as stack:
        forges = {kind: stack.enter_context(serve_forge(kind)) for kind in KINDS}
        yield Forges(engine, forges, stack.enter_context(HttpSender()))


def test_each_forge_shows_what_becomes_of_a_job(world: Forges) -> None:
    for kind, story in itertools.product(KINDS, STORIES):
        job = world.add(kind)
        for step, (github, gitlab, description) in story:
            if step != "add":
                world.take(step, job)
            world.send_all()
            shown = world.forges[kind].newest(f"packhouse/{job.request.image}")
            assert shown.state == (gitlab if kind == "gitlab" else github), (kind, story, step)
            assert shown.description.startswith(description)
            assert len(shown.description) <= 140
            assert (shown.commit, shown.url) == (job.request.commit, f"{PUBLIC}/jobs/{job.number}")
    assert world.outbox.pending() == 0


def test_a_job_beside_an_older_one_of_its_commit_has_the_last_word(world: Forges) -> None:
    """However the two end: nothing of the older one comes after the newer one."""
    for kind in KINDS:
        old, new = world.add(kind), None
        for step in ("begin", "add", "done", "begin", "failed"):
            if step == "add":
                request = msgspec.structs.replace(old.request, nonce="again")
                new = world.jobs.add(request)
            else:
                world.take(step, old if step == "done" or new is None else new)
            world.send_all()
        assert new is not None
        shown = world.forges[kind].newest(f"packhouse/{old.request.image}")
        assert (shown.state, shown.url) == (
            "failed" if kind == "gitlab" else "failure",
            f"{PUBLIC}/jobs/{new.number}",
        )
        assert "success" not in world.states(kind, old)


def test_what_is_due_when_the_sending_ends_is_sent(world: Forges) -> None:
    jobs = {kind: world.add(kind) for kind in KINDS}
    for job in jobs.values():
        world.take("begin", job)
        world.take("done", job)
    world.forges["github"].script.append(Answer(500))
    over = threading.Event()
    over.set()
    world.courier().run(over)
    assert [kind for kind, job in jobs.items() if world.states(kind, job) == ["success"]] == [*KINDS[1:]]
    assert world.outbox.pending() == 1, "the other one is for the next start"


def test_a_forge_that_says_nothing_is_asked_again(world: Forges, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.service.outbox.http._READ", 0.3)
    with HttpSender() as world.sender:
        for kind, forge in world.forges.items():
            job = world.add(kind)
            world.take("begin", job)
            forge.speaks.clear()
            assert world.send_all() == 1
            assert world.outbox.pending() == 1, "it has the status, and nobody knows that"
            forge.speaks.set()
            world.let_time_pass()
            assert world.send_all() == 1
            assert world.outbox.pending() == 0
            assert set(world.states(kind, job)) == {"running" if kind == "gitlab" else "pending"}


def test_a_courier_is_killed_while_each_forge_in_turn_says_nothing(world: Forges, database: str) -> None:
    """What it had in hand is sent again, and nothing that was waiting is lost."""
    jobs = {kind: world.add(kind) for kind in KINDS}
    steps: tuple[tuple[Step, Kind], ...] = (("begin", "github"), ("begin", "gitlab"), ("done", "gitea"))
    for step, silent in steps:
        for job in jobs.values():
            world.take(step, job)
        forge = world.forges[silent]
        one_more = len(forge.recorder.seen) + 1
        forge.speaks.clear()
        with running(database, world.config, world.secrets):
            wait_until(partial(_was_asked, forge, one_more), seconds=60)
        forge.speaks.set()
        with running(database, world.config, world.secrets):
            wait_until(lambda: world.outbox.pending() == 1, seconds=60)
        assert _was_asked(forge, one_more), "for as long as the first may still be at it nobody else is"
        world.let_time_pass()
    with running(database, world.config, world.secrets):
        wait_until(lambda: world.outbox.pending() == 0, seconds=60)
    for kind, job in jobs.items():
        states = world.states(kind, job)
        assert states[-1] == "success", (kind, states)
        assert "success" not in states[: -2 if kind == "gitea" else -1]


def _was_asked(forge: FakeForge, times: int) -> bool:
    return len(forge.recorder.seen) == times


Event = Literal["state", "courier", "time", "500", "429", "lost", "hang up", "garbage"]
BAD_DAYS: dict[Event, Answer] = {
    "500": Answer(500),
    "429": Answer(429, {}, {"Retry-After": "600"}),
    "hang up": Answer(hang_up=True),
    "garbage": Answer(502, body=b"<html>"),
}
RANKS = {"pending": 0, "running": 1, "success": 2, "failed": 2, "failure": 2}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    end=st.sampled_from(["done", "failed"]),
    events=st.lists(st.sampled_from(get_args(Event)), max_size=14),
)
def test_states_arrive_in_order_and_the_last_one_does(
    world: Forges, kind: Kind, end: Step, events: list[Event]
) -> None:
    forge, job = world.forges[kind], world.add(kind)
    steps: Iterator[Step] = iter(("begin", "begin", end))
    for event in events:
        if event == "state":
            if (step := next(steps, None)) is not None:
                world.take(step, job)
        elif event == "courier":
            world.send_all()
        elif event == "time":
            world.let_time_pass()
        elif event == "lost":
            forge.swallowed += 1
        else:
            forge.script.append(BAD_DAYS[event])
    for step in steps:
        world.take(step, job)
    for _ in range(len(events) + 1):
        world.let_time_pass()
        world.send_all()
    assert world.outbox.pending() == 0
    ranks = [RANKS[state] for state in world.states(kind, job)]
    assert ranks == sorted(ranks)
    assert ranks[-1] == 2
