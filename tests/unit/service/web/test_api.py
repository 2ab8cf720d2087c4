# SPDX-License-Identifier: Apache-2.0
"""The API: what it tells, who may change something, and how it says no."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runner.service.answers import JobDetails, JobPage
from runner.service.jobs.model import Job as JobModel
from tests.support.site import COMMIT, ESCAPES, QUOTED, SCRIPT, SECRET, TOKENS, add, request

if TYPE_CHECKING:
    from runner.service.jobs.model import Job
    from runner.service.serve import Runner
    from tests.unit.service.web.conftest import Client

V1 = "/api/v1"
CHANGES = ["jobs/1/cancel", "jobs/1/retry", "repositories/servers/look", "repositories/servers/trigger",
           "schedules/servers/nightly/run", "reload"]  # fmt: skip


def test_jobs_come_in_pages(client: Client) -> None:
    first = msgspec.json.decode(client.get(f"{V1}/jobs?limit=2").content, type=JobPage)
    assert len(first.jobs) == 2
    assert first.before == first.jobs[-1].number
    rest = msgspec.json.decode(client.get(f"{V1}/jobs?before={first.before}").content, type=JobPage)
    assert rest.jobs[0].number == first.before - 1
    assert rest.before is None
    some = client.get(f"{V1}/jobs", params=[("state", "failed"), ("state", "cancelled")]).json()["jobs"]
    assert {job["state"] for job in some} == {"failed", "cancelled"}


def test_a_job_has_attempts_phases_and_a_log(client: Client, jobs: dict[str, Job]) -> None:
    number = jobs["running"].number
    found = msgspec.json.decode(client.get(f"{V1}/jobs/{number}").content, type=JobDetails)
    assert [attempt.number for attempt in found.attempts] == [1, 2]
    assert [phase.name for phase in found.phases] == ["plan", "lock", "prepare", "create"]
    answer = client.get(f"{V1}/jobs/{number}/log")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.splitlines()[:4] == [SCRIPT, QUOTED, *ESCAPES]
    assert found.log_lines == len(answer.text.splitlines()) == 204
    assert client.get(f"{V1}/jobs/{number}/log?first=203").text == "line 199 of the build\n"
    assert len(client.get(f"{V1}/jobs/{number}/log?attempt=1").text.splitlines()) == 20


def test_a_job_that_waits_says_why(client: Client, jobs: dict[str, Job]) -> None:
    job = client.get(f"{V1}/jobs/{jobs['waiting'].number}").json()["job"]
    assert job["reason"] == "the only build is busy"


def events(text: str) -> list[tuple[str, str, Any]]:
    found = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
    return found


@pytest.fixture
def long_ended(runner: Runner, jobs: dict[str, Job], monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setattr("runner.service.web.events._FLUSH_SECONDS", 0.0)
    return jobs["failed"]


def test_events_carry_the_log_and_go_on_where_they_ended(client: Client, long_ended: Job) -> None:
    address = f"{V1}/jobs/{long_ended.number}/events"
    first = events(client.get(address).text)
    assert [kind for kind, _, _ in first] == ["job", "log", "end"]
    _, event_id, piece = first[1]
    assert (event_id, piece["first"], len(piece["lines"])) == ("1.204", 0, 204)
    assert piece["lines"][0] == SCRIPT
    later = events(client.get(address, headers={"Last-Event-ID": "1.200"}).text)
    assert [data["lines"] for kind, _, data in later if kind == "log"] == [
        [f"line {number} of the build" for number in range(196, 200)]
    ]
    assert [kind for kind, _, _ in events(client.get(address, headers={"Last-Event-ID": "1.204"}).text)] == [
        "job",
        "end",
    ]
    assert len(events(client.get(address, headers={"Last-Event-ID": "x" * 5000}).text)) == 3


def test_events_of_an_old_attempt_end_with_it(client: Client, jobs: dict[str, Job]) -> None:
    found = events(client.get(f"{V1}/jobs/{jobs['running'].number}/events?attempt=1").text)
    assert [kind for kind, _, _ in found] == ["job", "log", "end"]
    assert len(found[1][2]["lines"]) == 20


@pytest.mark.parametrize("path", CHANGES)
def test_nothing_changes_without_a_token(client: Client, path: str) -> None:
    answer = client.post(f"{V1}/{path}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["kind"] == "not-authorised"
    assert client.post(f"{V1}/{path}", headers={"Authorization": "Basic YTpi"}).status_code == 401


@pytest.mark.parametrize("path", ["jobs/1/cancel", "reload"])
def test_a_role_may_be_too_low(client: Client, helper: dict[str, str], path: str) -> None:
    answer = client.post(f"{V1}/{path}", headers=helper)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (403, "not-allowed")


def test_who_guesses_tokens_has_to_wait(client: Client) -> None:
    wrong = {"Authorization": "Bearer wrong", "X-Forwarded-For": "192.0.2.7"}
    codes = [client.post(f"{V1}/reload", headers=wrong).status_code for _ in range(15)]
    assert codes[0] == 401
    assert codes[-1] == 429


def test_retry_and_cancel(client: Client, runner: Runner, admin: dict[str, str], helper: dict[str, str]) -> None:
    job = add(runner, request(channel="test"))
    again = client.post(f"{V1}/jobs/{job.number}/retry", headers=helper)
    assert again.status_code == 201
    made = msgspec.json.decode(again.content, type=JobModel)
    assert (made.state, made.request.commit) == ("queued", job.request.commit)
    for number in (job.number, made.number):
        ended = client.post(f"{V1}/jobs/{number}/cancel", headers=admin, json={"why": f"because {SCRIPT}"})
        assert (ended.status_code, ended.json()["state"]) == (202, "cancelled")
        assert ended.json()["cancel"] == f"because {SCRIPT}"
    late = client.post(f"{V1}/jobs/{job.number}/cancel", headers=admin)
    assert (late.status_code, late.json()["error"]["kind"]) == (409, "usage")


def test_a_repository_is_looked_at_on_request(client: Client, runner: Runner, helper: dict[str, str]) -> None:
    assert client.post(f"{V1}/repositories/servers/look", headers=helper).status_code == 202
    assert runner.watches.record("servers").due_at == 0.0
    unreachable = client.post(f"{V1}/repositories/none/trigger", headers=helper, json={"ref": "main"})
    assert unreachable.status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("jobs/999", 404),
        ("jobs/0", 400),
        ("jobs/99999999999999999999", 400),
        ("jobs?before=99999999999", 400),
        ("jobs?state=nonsense", 400),
        ("jobs?image=%00", 400),
        ("jobs/x", 404),
        ("channels/none/server/edge", 404),
        ("nothing", 404),
    ],
)
def test_errors_are_ours(client: Client, path: str, status: int) -> None:
    answer = client.get(f"{V1}/{path}")
    assert answer.status_code == status
    assert answer.json()["error"]["what"]
    assert "Traceback" not in answer.text


def test_a_body_has_a_largest_size(client: Client, admin: dict[str, str]) -> None:
    large = client.post(f"{V1}/jobs/1/cancel", headers=admin, json={"why": "x" * 100_000})
    assert large.status_code == 413


def test_no_answer_holds_a_secret(client: Client) -> None:
    for path in ("/", "/repositories/servers", f"{V1}/repositories", f"{V1}/workers", "/metrics", "/api/schema"):
        text = client.get(path).text
        assert SECRET not in text
        assert not any(token in text for token in TOKENS.values())


def test_repositories_schedules_workers_and_channels(client: Client) -> None:
    names = {one["name"]: one for one in client.get(f"{V1}/repositories").json()}
    assert names["servers"]["refs"] == {"refs/heads/main": COMMIT}
    assert SCRIPT in names["empty"]["error"]
    workers = {one["id"]: one["live"] for one in client.get(f"{V1}/workers").json()}
    assert workers == {"builder-1": True, "builder-2": False}
    assert client.get(f"{V1}/schedules").json()[0]["name"] == "nightly"
    channel = client.get(f"{V1}/channels/images/server/edge").json()
    assert [release["number"] for release in channel["releases"]] == [3, 2, 1]


def test_the_description_names_every_call(client: Client) -> None:
    paths = client.get("/api/schema").json()["paths"]
    assert {f"/api/v1/{path}" for path in ("jobs", "jobs/{number}", "reload", "workers", "schedules")} <= set(
        paths
    )
    assert paths["/api/v1/jobs/{number}/cancel"]["post"]["security"] == [{"token": []}]
