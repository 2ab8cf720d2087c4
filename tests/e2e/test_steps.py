# SPDX-License-Identifier: Apache-2.0
"""The steps of a job, each in a process of its own, over the tiny distribution in a git repository."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from runner.engine.job import LogLine, Phase
from runner.errors import BuildError, LimitError, SourceError
from runner.process import StoppedError
from runner.redact import MASK
from runner.service.config.model import SecretSource
from runner.service.config.secrets import Secrets
from runner.service.jobs.model import ImageKey
from runner.service.steps.launch import Surroundings, run_step
from runner.service.steps.order import BuildOrder, Built, Locked, LockOrder, Published, PublishOrder
from runner.storage.location import open_storage
from runner.storage.publish import publish_release
from tests.support.bench import wait_until
from tests.support.git_repo import GitRepo
from tests.support.releases import make_release

if TYPE_CHECKING:
    from pathlib import Path

    from runner.service.steps.order import StepEvent
    from tests.support.bench import Bench

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

IMAGE = ImageKey(repository="tiny", type_name="squashfs", arch="x86_64")


class Steps:
    """A commit of the bench's description, and the steps over it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        repo = GitRepo(bench.setup.description)
        repo.git("init", "-q", "-b", "main")
        self.url = bench.setup.description.as_uri()
        self.commit = repo.commit(message="Begin")
        command = bench.command.with_env(**bench.setup.environment)
        command.home()
        self.around = Surroundings(
            environment={**command.environment(), "PACKHOUSE_STORE": str(command.store)},
            seconds=120,
            log_bytes=10 << 20,
        )
        self.heard: list[StepEvent] = []

    def lock(self, *, refresh: bool = False) -> Locked:
        order = LockOrder(url=self.url, commit=self.commit, image=IMAGE, refresh=refresh, seconds=60)
        done = run_step(order, self.around, self.heard.append)
        assert isinstance(done, Locked)
        return done

    def build(self, lock: str) -> Built:
        done = run_step(self.build_order(lock), self.around, self.heard.append)
        assert isinstance(done, Built)
        return done

    def build_order(self, lock: str) -> BuildOrder:
        return BuildOrder(
            url=self.url,
            commit=self.commit,
            image=IMAGE,
            lock=lock,
            target=self.bench.target,
            trigger="nightly",
            attempt=3,
            seconds=60,
        )

    def publish(self, job: str) -> Published:
        url = self.bench.storage.as_uri()
        order = PublishOrder(job=job, directory=self.bench.target, url=url, channel="edge")
        done = run_step(order, self.around, self.heard.append)
        assert isinstance(done, Published)
        return done


@pytest.fixture
def steps(bench: Bench) -> Steps:
    return Steps(bench)


def test_from_a_commit_to_a_release(steps: Steps, tmp_path: Path) -> None:
    locked = steps.lock()
    assert (locked.name, locked.version) == ("tiny", "1.0.0")
    assert steps.lock(refresh=True).digest == locked.digest
    built = steps.build(locked.text)
    assert "tiny.x86_64-1.0.0.squashfs" in {artifact.name for artifact in built.artifacts}
    manifest = msgspec.json.decode((steps.bench.target / "tiny.x86_64-1.0.0.manifest.json").read_bytes())
    assert manifest["build"]["trigger"] == "schedule"
    assert manifest["build"]["attempt"] == 3
    published = steps.publish("a")
    assert (published.number, published.created, published.manifest) == (1, True, built.manifest)
    assert steps.publish("b") == msgspec.structs.replace(published, created=False), "it is the newest already"
    other = make_release(tmp_path / "other", image="tiny", version="2")
    assert publish_release(open_storage(steps.bench.storage.as_uri()), other, channel="edge").number == 2
    assert steps.publish("a") == msgspec.structs.replace(published, created=False), "the same job, late"
    assert steps.publish("c") == msgspec.structs.replace(published, number=3), "somebody went back to it"
    assert any(isinstance(event, Phase) and event.name == "packages" for event in steps.heard)
    assert any(isinstance(event, LogLine) and "configured" in event.line for event in steps.heard)
    steps.bench.nothing_left(built=True)


def test_a_step_tells_what_stopped_it(steps: Steps) -> None:
    with pytest.raises(SourceError, match="0000000"):
        run_step(
            LockOrder(url=steps.url, commit="0" * 40, image=IMAGE, seconds=60), steps.around, steps.heard.append
        )


def test_a_script_that_fails_shows_its_last_lines(steps: Steps) -> None:
    steps.bench.setup.script("echo the last words; exit 3\n")
    steps.commit = GitRepo(steps.bench.setup.description).commit(message="Break it")
    with pytest.raises(BuildError) as caught:
        steps.build(steps.lock().text)
    assert "the last words" in "\n".join(caught.value.log_tail)


def test_a_stopped_step_is_gone_within_two_seconds(steps: Steps) -> None:
    steps.bench.setup.script(f"echo sleeping; sleep {steps.bench.nap}\n")
    steps.commit = GitRepo(steps.bench.setup.description).commit(message="Hang")
    lock = steps.lock().text
    asleep: list[float] = []

    def hear(event: StepEvent) -> None:
        if isinstance(event, LogLine) and "sleeping" in event.line:
            asleep.append(time.monotonic())

    around = replace(steps.around, stop=lambda: bool(asleep))
    with pytest.raises(StoppedError):
        run_step(steps.build_order(lock), around, hear)
    wait_until(lambda: not steps.bench.hangs(), seconds=1)
    assert time.monotonic() - asleep[0] < 2
    steps.bench.nothing_left()


def test_a_flood_of_output_is_ended(steps: Steps) -> None:
    steps.bench.setup.script("while :; do echo water water water; done\n")
    steps.commit = GitRepo(steps.bench.setup.description).commit(message="Flood")
    lock = steps.lock().text
    with pytest.raises(LimitError, match="1000000 bytes"):
        run_step(steps.build_order(lock), replace(steps.around, log_bytes=1_000_000), steps.heard.append)
    wait_until(lambda: steps.bench.command.leftovers() == [], seconds=5)


def test_secrets_are_masked_in_all_that_is_heard(steps: Steps) -> None:
    secret = 'canary-1"2\\3\\u0034 of a line\ncanary of another line'
    steps.bench.setup.script(f"cat <<'EOF'\n<{secret}>\nEOF\n")
    steps.commit = GitRepo(steps.bench.setup.description).commit(message="Tell")
    steps.around = replace(steps.around, redact=Secrets({"a": SecretSource(env="A")}, {"A": secret}).redactor())
    steps.build(steps.lock().text)
    lines = [event.line for event in steps.heard if isinstance(event, LogLine)]
    assert "canary" not in "\n".join(lines)
    assert [line for line in lines if MASK in line] == [f"<{MASK}", f"{MASK}>"]


def test_what_takes_too_much_memory_is_ended(steps: Steps) -> None:
    hog = "perl -e '$x .= chr(120) x 10_000_000 for 1..60; print qq(full\\n); sleep 60'"
    steps.bench.setup.script(f"{hog}\n")
    steps.commit = GitRepo(steps.bench.setup.description).commit(message="Eat")
    lock = steps.lock().text
    with pytest.raises(LimitError, match="400000000 bytes in memory"):
        run_step(steps.build_order(lock), replace(steps.around, memory=400_000_000), steps.heard.append)
    wait_until(lambda: steps.bench.command.leftovers() == [], seconds=5)


def test_what_leaves_nothing_on_a_small_disk_is_ended(steps: Steps) -> None:
    """Others need some of it, whatever the limit."""
    steps.bench.setup.script("head -c 1G /dev/zero >/fill || sleep 60\n")
    steps.commit = GitRepo(steps.bench.setup.description).commit(message="Fill")
    lock, store = steps.lock().text, steps.bench.command.store
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300M", "none", store], check=True)
    try:
        around = replace(steps.around, disk=10 << 30, folders=lambda: list((store / "staging").glob("*")))
        with pytest.raises(
            LimitError, match=r"it wrote [0-9]{9} bytes, and only [0-9]+ are left on the disk"
        ) as caught:
            run_step(steps.build_order(lock), around, steps.heard.append)
        assert "free some space" in str(caught.value)
        wait_until(lambda: steps.bench.command.leftovers() == [], seconds=5)
    finally:
        subprocess.run(["umount", store], check=True)


def test_what_fills_the_disk_is_ended(steps: Steps) -> None:
    steps.bench.setup.script("while :; do seq 1000000; done >/fill\n")
    steps.commit = GitRepo(steps.bench.setup.description).commit(message="Fill")
    lock = steps.lock().text
    staging = steps.bench.command.store / "staging"
    environment = {**steps.around.environment, "PACKHOUSE_SCRATCH_LABEL": "job7-"}
    around = replace(
        steps.around,
        environment=environment,
        disk=300_000_000,
        folders=lambda: list(staging.glob("job7-*")),
        scratch=lambda: list(staging.glob("job7-*")),
    )
    with pytest.raises(LimitError, match="wrote more than 300000000 bytes"):
        run_step(steps.build_order(lock), around, steps.heard.append)
    wait_until(lambda: steps.bench.command.leftovers() == [], seconds=10)
