# SPDX-License-Identifier: Apache-2.0
"""Statuses and proposed changes arrive at forges that look at them closely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from runner.errors import UsageError
from runner.service.forges.model import Change, Project
from runner.service.forges.report import report_of
from runner.service.forges.send import api_of, propose, send_status, withdraw
from runner.service.outbox.errors import RefusedError, TryLaterError
from runner.service.outbox.http import HttpSender
from tests.support.forge import PROJECT, TOKEN, FakeForge, serve_forge
from tests.support.jobs import FAILURE, IMAGE, REQUEST, job_in
from tests.support.recorder import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.config.model import Forge
    from runner.service.jobs.model import State

CONTEXT = "packhouse/images:server:a+b:oem:x86_64"
CHANGE = Change(branch="packhouse/lock", base="main", title="Refresh the lock", body="| package |")
EXPECTED = {
    "github": ("pending", "pending", "success", "failure", "error"),
    "gitlab": ("pending", "running", "success", "failed", "canceled"),
    "gitea": ("pending", "pending", "success", "failure", "error"),
    "forgejo": ("pending", "pending", "success", "failure", "error"),
}
STATES: tuple[State, ...] = ("queued", "running", "done", "failed", "cancelled")


@pytest.fixture
def sender() -> Iterator[HttpSender]:
    with HttpSender() as made:
        yield made


@pytest.fixture(params=["github", "gitlab", "gitea", "forgejo"])
def forge(request: pytest.FixtureRequest) -> Iterator[FakeForge]:
    with serve_forge(request.param) as made:
        yield made


def project(forge: FakeForge, token: str = TOKEN) -> Project:
    return Project(api=forge.api, name=PROJECT, token=token)


def send(sender: HttpSender, forge: FakeForge, state: State, url: str = "https://images.example") -> None:
    send_status(sender, forge.kind, project(forge), report_of(job_in(state), url))


def test_each_state_arrives(sender: HttpSender, forge: FakeForge) -> None:
    for state in STATES:
        send(sender, forge, state)
    assert tuple(each.state for each in forge.statuses) == EXPECTED[forge.kind]
    assert {each.context for each in forge.statuses} == {CONTEXT}
    assert {each.url for each in forge.statuses} == {"https://images.example/jobs/12"}
    assert forge.newest(CONTEXT).description == "Cancelled: superseded by job 13"


def test_a_status_may_come_without_a_link(sender: HttpSender, forge: FakeForge) -> None:
    send(sender, forge, "done", url="")
    assert forge.newest(CONTEXT).url == ""


def test_a_status_may_come_twice(sender: HttpSender, forge: FakeForge) -> None:
    send(sender, forge, "running")
    send(sender, forge, "running")
    assert forge.newest(CONTEXT).state == EXPECTED[forge.kind][1]


def test_a_commit_that_is_built_again_is_shown_so(sender: HttpSender, forge: FakeForge) -> None:
    states: tuple[State, ...] = ("done", "done", "queued", "running", "failed", "queued", "cancelled")
    for state in states:
        send(sender, forge, state)
    pending, running, success, failure, cancelled = EXPECTED[forge.kind]
    assert [each.state for each in forge.statuses] == [
        success, success, pending, running, failure, pending, cancelled,
    ]  # fmt: skip


def test_what_waits_beside_what_runs_stands_in_nobodys_way(sender: HttpSender, forge: FakeForge) -> None:
    """GitLab has no way back from running; what counts is that the end gets there."""
    states: tuple[State, ...] = ("queued", "running", "queued", "running", "done")
    for state in states:
        send(sender, forge, state)
    assert forge.newest(CONTEXT).state == "success"


def test_gitlab_may_be_busy_with_another_status(sender: HttpSender) -> None:
    with serve_forge("gitlab") as gitlab:
        gitlab.script.append(Answer(409, {"message": "Another update to this commit status is in progress"}))
        with pytest.raises(TryLaterError, match="409") as caught:
            send(sender, gitlab, "done")
        assert not caught.value.everything, "those of other commits are in nobody's way"
        send(sender, gitlab, "done")
        assert gitlab.newest(CONTEXT).state == "success"


def test_characters_that_github_refuses_do_not_cost_the_status(sender: HttpSender, forge: FakeForge) -> None:
    image = msgspec.structs.replace(IMAGE, subdir="server-\N{BUG}")
    error = msgspec.structs.replace(FAILURE, what="\N{BUG} in caf\u00e9.sh " + "\N{BUG}" * 200)
    job = job_in("failed", request=msgspec.structs.replace(REQUEST, image=image), error=error)
    send_status(sender, forge.kind, project(forge), report_of(job, ""))
    (status,) = forge.statuses
    assert status.context == "packhouse/images:server-U+1F41B:a+b:oem:x86_64"
    assert status.description.startswith("\ufffd in caf\u00e9.sh")
    assert len(status.description) == 140


def test_a_wrong_token_is_refused_and_not_told(sender: HttpSender, forge: FakeForge) -> None:
    wrong = "canary-expired-token"
    with pytest.raises(RefusedError, match="401") as caught:
        send_status(sender, forge.kind, project(forge, wrong), report_of(job_in("done"), ""))
    assert "token" in (caught.value.hint or "")
    assert wrong not in str(caught.value) + repr(project(forge, wrong))
    (seen,) = forge.recorder.seen
    rest = {name: value for name, value in seen.headers.items() if name not in ("authorization", "private-token")}
    assert wrong not in seen.path + str(seen.query) + str(rest) + seen.body.decode()


def test_a_bad_day_is_waited_out(sender: HttpSender, forge: FakeForge) -> None:
    forge.script.extend([Answer(429, {}, {"Retry-After": "30"}), Answer(500), Answer(hang_up=True)])
    waits = []
    for _ in range(3):
        with pytest.raises(TryLaterError) as caught:
            send(sender, forge, "done")
        waits.append(caught.value.after)
    assert waits == [30, 0, 0]
    send(sender, forge, "done")
    assert forge.newest(CONTEXT).state == "success"


def test_a_project_that_is_not_there_is_final(sender: HttpSender, forge: FakeForge) -> None:
    other = msgspec.structs.replace(project(forge), name="acme/gone")
    with pytest.raises(RefusedError, match="404"):
        send_status(sender, forge.kind, other, report_of(job_in("done"), ""))


def test_a_change_is_proposed_once_and_kept_up_to_date(sender: HttpSender, forge: FakeForge) -> None:
    made = propose(sender, forge.kind, project(forge), CHANGE)
    again = msgspec.structs.replace(CHANGE, title="Refresh the lock again", body="more")
    assert propose(sender, forge.kind, project(forge), again).url == made.url
    (pull,) = forge.pulls
    assert (pull.branch, pull.base, pull.title, pull.body) == (CHANGE.branch, "main", again.title, "more")
    assert made.url.endswith("/acme/images/pulls/1")


def test_a_change_that_is_up_to_date_is_left_alone(sender: HttpSender, forge: FakeForge) -> None:
    change = msgspec.structs.replace(CHANGE, body="first line\n\nsecond line")
    made = propose(sender, forge.kind, project(forge), change)
    forge.recorder.seen.clear()
    assert propose(sender, forge.kind, project(forge), change).url == made.url
    assert {seen.method for seen in forge.recorder.seen} == {"GET"}


def test_a_change_of_a_branch_that_is_gone_is_closed(sender: HttpSender, forge: FakeForge) -> None:
    propose(sender, forge.kind, project(forge), CHANGE)
    others = [forge.add_pull(CHANGE.branch, "stable"), forge.add_pull(CHANGE.branch, "main", foreign=True)]
    forge.branches = {CHANGE.branch}
    assert withdraw(sender, forge.kind, project(forge), CHANGE) is None
    assert forge.pulls[0].is_open, "the branch was pushed again meanwhile"
    forge.branches.clear()
    closed = withdraw(sender, forge.kind, project(forge), CHANGE)
    assert closed is not None
    assert (closed.number, forge.pulls[0].is_open) == (1, False)
    assert all(pull.is_open for pull in others)
    assert withdraw(sender, forge.kind, project(forge), CHANGE) is None


def test_whether_a_branch_is_gone_must_be_told(sender: HttpSender, forge: FakeForge) -> None:
    propose(sender, forge.kind, project(forge), CHANGE)
    forge.script.extend([forge.answer(forge.recorder.seen[0]), Answer(403)])
    with pytest.raises(RefusedError, match="403"):
        withdraw(sender, forge.kind, project(forge), CHANGE)
    assert forge.pulls[0].is_open


def test_a_long_list_of_changes_is_cut(sender: HttpSender, forge: FakeForge) -> None:
    propose(sender, forge.kind, project(forge), msgspec.structs.replace(CHANGE, body="- a: 1 -> 2\n" * 9000))
    assert 60_000 <= len(forge.pulls[0].body) < 65_536


def test_a_merged_change_is_followed_by_a_new_one(sender: HttpSender, forge: FakeForge) -> None:
    forge.add_pull(CHANGE.branch, CHANGE.base, is_open=False)
    assert propose(sender, forge.kind, project(forge), CHANGE).number == 2


def test_changes_of_others_are_left_alone(sender: HttpSender, forge: FakeForge) -> None:
    forge.add_pull("feature", "main", title="theirs")
    forge.add_pull(CHANGE.branch, "stable", title="theirs")
    made = propose(sender, forge.kind, project(forge), CHANGE)
    assert made.number == 3
    assert {pull.title for pull in forge.pulls[:2]} == {"theirs"}


def test_a_change_is_found_behind_many(sender: HttpSender, forge: FakeForge) -> None:
    for number in range(120):
        forge.add_pull(f"feature-{number}", "main", title="theirs")
    forge.add_pull(CHANGE.branch, "main")
    assert propose(sender, forge.kind, project(forge), CHANGE).number == 121


def test_a_branch_of_the_same_name_in_a_copy_is_not_ours(sender: HttpSender, forge: FakeForge) -> None:
    forge.add_pull(CHANGE.branch, "main", foreign=True, title="theirs")
    assert propose(sender, forge.kind, project(forge), CHANGE).number == 2
    assert propose(sender, forge.kind, project(forge), CHANGE).number == 2
    assert forge.pulls[0].title == "theirs"


def test_who_was_quicker_is_brought_up_to_date(sender: HttpSender, forge: FakeForge) -> None:
    forge.script.append(Answer(200, []))
    forge.add_pull(CHANGE.branch, "main", title="made in between")
    assert propose(sender, forge.kind, project(forge), CHANGE).number == 1
    assert forge.pulls[0].title == CHANGE.title


@pytest.mark.parametrize(
    ("forge_kind", "api", "url", "expected"),
    [
        ("github", "", "https://github.com/a/b.git", "https://api.github.com"),
        ("github", "", "https://git.corp.example/a/b.git", "https://git.corp.example/api/v3"),
        ("gitlab", "", "https://user:pw@gitlab.com/a/b.git", "https://gitlab.com/api/v4"),
        ("gitea", "", "https://git.example:3000/a/b", "https://git.example:3000/api/v1"),
        ("forgejo", "https://x.example/api/v1/", "git@other:a/b", "https://x.example/api/v1"),
    ],
)
def test_the_address_of_the_api(forge_kind: Forge, api: str, url: str, expected: str) -> None:
    assert api_of(forge_kind, api, url) == expected


@pytest.mark.parametrize("url", ["git@host:a/b", "ssh://git@host/a/b", "file:///srv/a", "https://", "https://[x"])
def test_an_address_that_cannot_be_told_is_asked_for(url: str) -> None:
    with pytest.raises(UsageError, match="API"):
        api_of("gitea", "", url)
