# SPDX-License-Identifier: Apache-2.0
"""A job's changes of state put what they ask for into the outbox, in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runner.digest import sha256_bytes
from runner.packages.compare import PackageChange
from runner.release.changes import Changes, PreviousRelease, encode_changes
from runner.service.config.model import Notification, Repository, ServiceConfig, Status
from runner.service.forges.model import Report
from runner.service.jobs.locks import LockTexts
from runner.service.jobs.model import Compared, JobResult, Proposal
from runner.service.jobs.store import JobStore
from runner.service.notify.notice import Notice
from runner.service.outbox.announce import ScheduledChange, job_changed
from runner.service.outbox.store import Letter, Outbox
from tests.support.jobs import FAILURE, IMAGE, RELEASE, REQUEST

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from runner.service.config.model import Occasion
    from runner.service.jobs.model import Job, State

LATER = 4e9


def config(*on: Occasion, **repository: Any) -> ServiceConfig:
    watched: dict[str, Any] = {
        "url": "https://forge.example/acme/images",
        "status": Status(forge="github", project="acme/images", token="forge"),
        "notify": ("chat",),
        **repository,
    }
    chat = Notification(kind="slack", url="https://chat.example", on=on or ("failure", "fixed"))
    return ServiceConfig(
        public_url="https://images.example",
        repositories={"images": Repository(**watched)},
        notifications={"chat": chat},
    )


@pytest.fixture
def outbox(engine: Engine) -> Outbox:
    return Outbox(engine)


def store(engine: Engine, configured: ServiceConfig) -> JobStore:
    return JobStore(engine, changed=lambda connection, job: job_changed(connection, job, configured))


def letters(outbox: Outbox) -> list[Letter]:
    """Take everything out."""
    found = []
    while (claim := outbox.claim(LATER)) is not None:
        outbox.sent(claim)
        found.append(claim.letter)
    return found


def reports(outbox: Outbox) -> list[str]:
    found = [msgspec.json.decode(each.body, type=Report) for each in letters(outbox) if each.kind == "status"]
    return [each.state for each in found]


def notices(outbox: Outbox) -> list[Occasion]:
    found = [msgspec.json.decode(each.body, type=Notice) for each in letters(outbox) if each.kind == "notice"]
    return [each.occasion for each in found]


def add(jobs: JobStore, nonce: str = "", **changes: Any) -> Job:
    job = jobs.add(msgspec.structs.replace(REQUEST, nonce=nonce, **changes))
    assert job is not None
    return job


def finish(jobs: JobStore, state: State, nonce: str, **changes: Any) -> Job:
    job = add(jobs, nonce, **changes)
    begun = jobs.begin(job.id, "worker")
    assert begun is not None
    belongs: dict[State, Any] = {"done": {"result": RELEASE}, "failed": {"error": FAILURE}, "cancelled": {}}
    assert jobs.end(job.id, begun.attempt, state, **belongs[state])
    return job


def test_every_state_is_reported(engine: Engine, outbox: Outbox) -> None:
    jobs = store(engine, config())
    job = add(jobs)
    assert reports(outbox) == ["queued"]
    assert jobs.begin(job.id, "worker")
    assert reports(outbox) == ["running"]
    assert jobs.end(job.id, 1, "done", result=RELEASE)
    (status,) = letters(outbox)
    assert (status.kind, status.target) == ("status", "images")
    assert status.subject == "c" * 40 + f" packhouse/{IMAGE}"
    report = msgspec.json.decode(status.body, type=Report)
    assert (report.state, report.description) == ("success", "Release 17 in edge")
    assert report.url == f"https://images.example/jobs/{job.number}"


def test_only_the_last_state_is_sent_of_those_that_came_quickly(engine: Engine, outbox: Outbox) -> None:
    finish(store(engine, config()), "done", "1")
    assert reports(outbox) == ["success"]


def test_a_job_that_is_cancelled_while_it_waits_leaves_no_pending_status(engine: Engine, outbox: Outbox) -> None:
    jobs = store(engine, config("cancelled"))
    job = add(jobs)
    assert jobs.ask_to_cancel(job.id, "superseded by job 2")
    assert jobs.end(job.id, 0, "cancelled")
    status, notice = sorted(letters(outbox), key=lambda letter: letter.kind, reverse=True)
    assert msgspec.json.decode(status.body, type=Report).state == "cancelled"
    assert msgspec.json.decode(notice.body, type=Notice).detail == "superseded by job 2"


def test_only_the_newest_job_speaks_for_a_commit(engine: Engine, outbox: Outbox) -> None:
    jobs = store(engine, config())
    old = add(jobs, "1")
    new = add(jobs, "2")
    other_commit = add(jobs, "3", commit="d" * 40)
    letters(outbox)
    jobs.end(old.id, 0, "cancelled")
    assert reports(outbox) == []
    jobs.end(new.id, 0, "cancelled")
    jobs.end(other_commit.id, 0, "cancelled")
    assert reports(outbox) == ["cancelled", "cancelled"]


def test_what_an_older_attempt_says_is_not_reported(engine: Engine, outbox: Outbox) -> None:
    jobs = store(engine, config())
    job = add(jobs)
    jobs.begin(job.id, "one")
    jobs.begin(job.id, "two")
    letters(outbox)
    assert not jobs.end(job.id, 1, "failed", error=FAILURE)
    assert letters(outbox) == []


@pytest.mark.parametrize(
    ("before", "now", "on", "expected"),
    [
        ([], "done", ("success",), ["success"]),
        ([], "done", ("fixed", "failure"), []),
        ([], "failed", ("failure",), ["failure"]),
        (["failed"], "failed", ("failure", "fixed"), ["failure"]),
        (["failed"], "done", ("failure", "fixed"), ["fixed"]),
        (["failed"], "done", ("success",), ["fixed"]),
        (["failed"], "done", ("failure",), []),
        (["failed", "cancelled"], "done", ("fixed",), ["fixed"]),
        (["failed", "done"], "done", ("fixed",), []),
        (["done"], "cancelled", ("failure", "fixed", "success"), []),
        (["done"], "cancelled", ("cancelled",), ["cancelled"]),
    ],
)
def test_who_is_told_of_what(
    engine: Engine, before: list[State], now: State, on: Any, expected: list[str]
) -> None:
    outbox = Outbox(engine)
    jobs = store(engine, config(*on))
    for number, state in enumerate(before):
        finish(jobs, state, f"before {number}")
    letters(outbox)
    finish(jobs, now, "now")
    assert notices(outbox) == expected


def test_a_failure_elsewhere_is_not_what_gets_fixed(engine: Engine, outbox: Outbox) -> None:
    jobs = store(engine, config("fixed"))
    finish(jobs, "failed", "1", ref="refs/heads/feature")
    finish(jobs, "failed", "2", image=msgspec.structs.replace(IMAGE, type_name="iso"))
    finish(jobs, "done", "3")
    assert notices(outbox) == []


def test_nothing_is_written_for_those_who_did_not_ask(engine: Engine, outbox: Outbox) -> None:
    finish(store(engine, config(status=None, notify=())), "failed", "1")
    finish(store(engine, config(status=None, notify=("gone",))), "failed", "2")
    finish(store(engine, ServiceConfig()), "failed", "3")
    assert letters(outbox) == []


def test_a_change_of_state_that_fails_tells_nobody(engine: Engine, outbox: Outbox) -> None:
    """Also the other way round: what cannot be told did not happen."""

    def broken(connection: Any, job: Job) -> None:
        job_changed(connection, job, config())
        raise RuntimeError("the power went")

    job = add(JobStore(engine))
    with pytest.raises(RuntimeError):
        JobStore(engine, changed=broken).end(job.id, 0, "done", result=JobResult())
    assert letters(outbox) == []
    found = JobStore(engine).get(job.id)
    assert found is not None
    assert found.state == "queued"


def test_a_notice_of_a_release_tells_what_it_changed(engine: Engine, outbox: Outbox) -> None:
    changes = Changes(
        schema="urn:packhouse:schema:changes:v1",
        previous=PreviousRelease(manifest="9" * 64, version="1.2.2", number=16),
        packages=tuple(PackageChange(f"package{number:02}", "amd64", "1", "2") for number in range(23)),
        files=(),
    )
    LockTexts(engine).keep("8" * 64, encode_changes(changes).decode())
    compared = Compared(job=1, changes="8" * 64, added=0, removed=0, updated=23, size_delta=0)
    told = store(engine, config("success"))
    job = add(told)
    told.begin(job.id, "worker")
    told.end(job.id, 1, "done", result=msgspec.structs.replace(RELEASE, compared=compared))
    (notice,) = [letter for letter in letters(outbox) if letter.kind == "notice"]
    lines = msgspec.json.decode(notice.body, type=Notice).lines
    assert lines[1:4] == (
        "Release 17 (1.2.3) in edge",
        "Since release 16 (1.2.2): packages 23 updated; size the same",
        "~ package00 (amd64) 1 → 2",
    )
    assert lines[-1] == "and 3 more"


def test_the_newest_proposal_of_a_branch_counts(engine: Engine, outbox: Outbox) -> None:
    jobs = store(engine, config(status=None, notify=()))
    for text in ("~ bash old", "~ bash new ```` @all <b>\x1b[1m"):
        job = add(jobs, text, schedule="nightly")
        jobs.begin(job.id, "worker")
        digest = sha256_bytes(text.encode())
        LockTexts(engine).keep(digest, text)
        proposal = Proposal(branch="packhouse/lock", base="main", title="Refresh the lock", text=digest)
        jobs.end(job.id, 1, "done", result=JobResult(proposal=proposal))
    (letter,) = letters(outbox)
    assert (letter.kind, letter.target, letter.subject) == ("change", "images", "packhouse/lock")
    sent = msgspec.json.decode(letter.body, type=ScheduledChange)
    assert (sent.schedule, sent.change.branch, sent.change.base) == ("nightly", "packhouse/lock", "main")
    assert "`````diff\n~ bash new ```` @all <b> [1m\n`````" in sent.change.body
    assert "https://images.example/jobs/2" in sent.change.body


@pytest.mark.parametrize("proposal", [None, Proposal(), Proposal(error="the branch is not ours")])
def test_where_nothing_was_pushed_nothing_is_proposed(
    engine: Engine, outbox: Outbox, proposal: Proposal | None
) -> None:
    jobs = store(engine, config("success", status=None))
    job = add(jobs, schedule="nightly")
    jobs.begin(job.id, "worker")
    jobs.end(job.id, 1, "done", result=JobResult(proposal=proposal))
    (notice,) = letters(outbox)
    assert notice.kind == "notice"
    told = msgspec.json.decode(notice.body, type=Notice).detail
    assert told == (
        "The refreshed lock is not proposed: the branch is not ours" if proposal and proposal.error else ""
    )
