# SPDX-License-Identifier: Apache-2.0
"""The commands that speak to a runner, against a real one."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from runner.cli.main import run
from runner.service.web.server import serving
from tests.support.site import SCRIPT, TOKENS, add, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.jobs.model import Job
    from runner.service.serve import Runner

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def url(runner: Runner, jobs: dict[str, Job]) -> Iterator[str]:
    with serving(runner) as url:
        yield url


@pytest.fixture(autouse=True)
def _surroundings(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACKHOUSE_SERVER", url)
    monkeypatch.setenv("PACKHOUSE_TOKEN", TOKENS["TOKEN_ADMIN"])


def test_jobs_are_listed(capsys: Captured) -> None:
    assert run(["jobs", "--state", "failed"]) == 0
    line = capsys.readouterr().out
    assert line.startswith("4  failed  servers:images/")
    assert SCRIPT in line
    assert run(["jobs", "--json", "--limit", "2"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_a_failed_job_ends_with_1(capsys: Captured) -> None:
    assert run(["job", "4"]) == 1
    assert "to fix   mend it" in capsys.readouterr().out
    assert run(["job", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["job"]["state"] == "done"


def test_a_job_shows_what_it_changed(capsys: Captured) -> None:
    assert run(["job", "2"]) == 0
    said = capsys.readouterr().out
    assert "Since release 1 (1.0.1): packages 1 updated, 1 added, 1 removed; size +20.0 MiB" in said
    assert "  ~ bash (amd64) " in said
    assert run(["job", "2", "--json"]) == 0
    changes = json.loads(capsys.readouterr().out)["changes"]
    assert {"name": "bash", "arch": "amd64", "before": "5.1", "after": "5.2"} in changes["packages"]


def test_a_log_is_printed(capsys: Captured) -> None:
    assert run(["job", "1", "--log"]) == 0
    assert capsys.readouterr().out == "building\ndone\n"


def test_retry_and_cancel(runner: Runner, capsys: Captured) -> None:
    job = add(runner, request(channel="commands"))
    assert run(["retry", str(job.number), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)["number"]
    for number in (job.number, made):
        assert run(["cancel", str(number), "--why", "a test"]) == 0
    found = runner.jobs.get(str(made))
    assert found is not None
    assert (found.state, found.cancel) == ("cancelled", "a test")
    assert run(["cancel", str(made)]) == 1
    assert "has ended already" in capsys.readouterr().err


def test_schedules_and_repositories(capsys: Captured) -> None:
    assert run(["schedule"]) == 0
    assert "servers  nightly" in capsys.readouterr().out
    assert run(["schedule", "servers"]) == 2
    assert run(["trigger", "servers", "--look"]) == 0
    assert run(["trigger", "none"]) == 1
    assert "no such repository" in capsys.readouterr().err


def test_workers_and_draining(capsys: Captured) -> None:
    assert run(["workers"]) == 0
    assert "builder-1  takes jobs  x86_64 kvm  jobs: " in capsys.readouterr().out
    assert run(["workers", "--drain", "builder-1"]) == 0
    assert "builder-1  draining" in capsys.readouterr().out
    assert run(["workers", "--drain", "nobody"]) == 1
    assert "no such worker" in capsys.readouterr().err


def test_a_missing_token_is_said_so(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PACKHOUSE_TOKEN")
    assert run(["retry", "1"]) == 1
    assert "PACKHOUSE_TOKEN" in capsys.readouterr().err


def test_a_runner_that_is_not_there(capsys: Captured) -> None:
    assert run(["jobs", "--server", "http://127.0.0.1:9"]) == 9
    assert "is packhouse serve running?" in capsys.readouterr().err
    assert run(["jobs", "--server", "http://user:secret@127.0.0.1:9"]) == 2
    assert "secret" not in capsys.readouterr().err


def test_a_server_ends_while_a_log_is_followed(runner: Runner, jobs: dict[str, Job]) -> None:
    with httpx.Client() as client:
        with serving(runner) as url:
            path = f"{url}/api/v1/jobs/{jobs['running'].number}/events"
            answer = client.send(client.build_request("GET", path), stream=True)
            assert next(answer.iter_lines()).startswith("event: ")
            began = time.monotonic()
        assert time.monotonic() - began < 4, "the log did not end with the server"
        answer.close()
