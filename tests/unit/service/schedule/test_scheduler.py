# SPDX-License-Identifier: Apache-2.0
"""Schedules run side by side: what ails one repository is its own."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import pytest

from runner.service.config.load import load_config
from runner.service.serve import opened
from tests.support.bench import wait_until
from tests.support.git_http import serve_git
from tests.support.stalling_proxy import StallingProxy, stalling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.service.serve import Runner

CONFIG = """\
state: {folder}/state
secrets:
  gone: {{file: {folder}/gone}}
repositories:
  first: {{url: "file://{folder}/first", environment: {{TOKEN: gone}}, schedules: [{{nightly: true}}]}}
  second: {{url: "file://{folder}/second", schedules: [{{nightly: true}}]}}
"""


def test_one_missing_secret_stops_the_schedules_of_its_repository_only(tmp_path: Path) -> None:
    path = tmp_path / "packhouse.yaml"
    path.write_text(CONFIG.format(folder=tmp_path))
    (secret := tmp_path / "gone").write_text("hunter2")
    with opened(path) as runner:
        runner.scheduler.once(time.time())
        secret.unlink()
        for record in runner.schedules.all():
            runner.schedules.keep(msgspec.structs.replace(record, due_at=time.time() - 1))
        runner.scheduler.once(time.time())
        notes = {record.repository: record.note for record in runner.schedules.all()}
    assert "gone" in notes["first"]
    assert "no git repository" in notes["second"]


STALLING = """\
state: {folder}/state
repositories:
  deaf: {{url: "{url}/deaf.git", schedules: [{{nightly: true}}]}}
  quick: {{url: "file://{folder}/quick", schedules: [{{nightly: true, missed: skip}}]}}
"""


@pytest.fixture
def deaf(tmp_path: Path) -> Iterator[StallingProxy]:
    """A server that never answers."""
    with serve_git(tmp_path) as url, stalling(url, "GET ") as proxy:
        (tmp_path / "packhouse.yaml").write_text(STALLING.format(folder=tmp_path, url=proxy.endpoint))
        yield proxy


def due(runner: Runner, **at: float) -> None:
    """Have each schedule due at its time, and every other one never."""
    runner.scheduler.once(time.time())
    for record in runner.schedules.all():
        runner.schedules.keep(msgspec.structs.replace(record, due_at=at.get(record.repository, 9e9)))


def note(runner: Runner, repository: str) -> str:
    return next(record.note for record in runner.schedules.all() if record.repository == repository)


def test_a_repository_that_does_not_answer_holds_up_no_other(deaf: StallingProxy, tmp_path: Path) -> None:
    over = threading.Event()
    with opened(tmp_path / "packhouse.yaml") as runner:
        due(runner, deaf=time.time())
        thread = threading.Thread(target=runner.scheduler.run, args=(over,))
        thread.start()
        try:
            assert deaf.stalled.wait(20)
            runner.schedules.keep(msgspec.structs.replace(
                next(record for record in runner.schedules.all() if record.repository == "quick"),
                due_at=time.time(),
            ))  # fmt: skip
            wait_until(lambda: "no git repository" in note(runner, "quick"), seconds=20)
            assert note(runner, "deaf") == ""
        finally:
            deaf.close()
            over.set()
            thread.join()
        assert "deaf.git" in note(runner, "deaf")


def test_a_run_that_waits_for_its_turn_is_not_missed(deaf: StallingProxy, tmp_path: Path) -> None:
    now = time.time()
    with opened(tmp_path / "packhouse.yaml") as runner, ThreadPoolExecutor(1) as pool:
        due(runner, deaf=now, quick=now + 600)
        scheduler = runner.scheduler
        scheduler.begin(pool, now)
        assert deaf.stalled.wait(20)
        scheduler.begin(pool, now + 601)
        scheduler.begin(pool, now + 1200)  # it is late by then, and still waits
        assert note(runner, "quick") == ""
        deaf.close()
        pool.shutdown()
        assert "no git repository" in note(runner, "quick")
        due(runner, quick=now)
        runner.scheduler.once(now + 600)
        assert note(runner, "quick") == "missed while nothing ran"


def test_schedules_follow_the_configuration_after_a_while(tmp_path: Path) -> None:
    path, now = tmp_path / "packhouse.yaml", time.time()
    (tmp_path / "gone").write_text("hunter2")
    path.write_text(CONFIG.format(folder=tmp_path))
    with opened(path) as runner:
        scheduler = runner.scheduler
        scheduler.once(now)
        first = runner.schedules.of("first")
        path.write_text(
            path.read_text().replace("second:", "third:").replace("{nightly: true}", "{cron: 5 3 * * *}")
        )
        runner.settings.config = load_config(path)
        scheduler.once(now + 1)
        assert set(runner.schedules.crons()) == {("first", "nightly"), ("second", "nightly")}
        assert runner.schedules.of("first") == first
        scheduler.once(now + 11)
        assert set(runner.schedules.crons()) == {("first", "nightly"), ("third", "nightly")}
        assert runner.schedules.of("first")[0].cron == "5 3 * * * UTC 0.0"
        assert runner.schedules.of("first")[0].due_at != first[0].due_at
