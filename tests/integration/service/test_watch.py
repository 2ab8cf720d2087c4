# SPDX-License-Identifier: Apache-2.0
"""Looking at real repositories: what was pushed is asked for once, and nothing else is."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy.exc import OperationalError

from runner.errors import SourceError, VerificationError
from runner.service.config.model import Destination, Images, PullRequest, Repository, Schedule
from runner.service.config.secrets import SecretError
from runner.service.database.connect import database_url, open_database
from runner.service.jobs.model import JobResult
from runner.service.jobs.store import JobStore
from runner.service.queue.dispatch import Dispatcher
from runner.service.queue.durable import DbosQueue, make_tables, queue_database
from runner.service.watch.by_hand import build_by_hand
from runner.service.watch.look import Look, WatchedRepository
from runner.service.watch.memory import WatchMemory
from runner.service.watch.own_branches import branch_for
from runner.service.watch.poller import Poller
from tests.support.bench import wait_until
from tests.support.git_repo import GitRepo
from tests.support.tiny import description_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.service.jobs.model import Job
    from runner.service.steps.order import Scanned

pytestmark = pytest.mark.integration


class Watch:
    """A repository with two descriptions, and somebody who looks at it."""

    def __init__(self, folder: Path, jobs: JobStore, queue: DbosQueue) -> None:
        self.repo = GitRepo.create(folder / "repo")
        self.repo.commit(
            {"one/appliance.kiwi": description_text("one"), "two/config.xml": description_text("two")}
        )
        self.jobs = jobs
        self.memory = WatchMemory(jobs.engine)
        self.dispatcher = Dispatcher(jobs, queue)
        self.look = Look(self.memory, self.dispatcher)
        self.watched = WatchedRepository(
            name="images",
            settings=Repository(
                url=self.repo.path.as_uri(),
                tags=("v*",),
                images=Images(types=("squashfs", "tbz")),
                destination="x",
            ),
            destination=Destination(
                url="file:///nowhere", channels={"main": "edge"}, tag_channels={"v*": "stable"}
            ),
            environment={
                "PATH": os.environ["PATH"],
                "HOME": str(folder),
                "PACKHOUSE_STORE": str(folder / "store"),
            },
            arch="x86_64",
        )
        self.memory.know(["images"])

    def take(self) -> list[str]:
        """Look once; what was asked for, as ``image channel``."""
        return sorted(f"{job.request.image} {job.request.channel}" for job in self.look.take(self.watched)[1])

    def edit(self, **settings: object) -> None:
        changed = msgspec.structs.replace(self.watched.settings, **settings)
        self.watched = replace(self.watched, settings=changed)

    def both_to(self, channel: str) -> None:
        """Have everything published into one channel."""
        destination = Destination(url="file:///nowhere", channels={"*": channel})
        self.watched = replace(self.watched, destination=destination)

    def end(self, *jobs: Job) -> None:
        """Have ``jobs`` done, as a worker would."""
        for job in jobs:
            self.jobs.begin(job.id, "worker")
            self.jobs.end(job.id, 1, "done", result=JobResult())

    def waiting(self) -> list[Job]:
        return list(self.jobs.find(states=("queued",)))


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    url = database_url("", tmp_path / "state")
    engine = open_database(url)
    make_tables(queue_database(url, tmp_path / "state"))
    queue = DbosQueue(queue_database(url, tmp_path / "state"))
    yield Watch(tmp_path, JobStore(engine), queue)
    queue.close()
    engine.dispose()


EVERYTHING = [
    "images:one:squashfs:x86_64 edge",
    "images:one:tbz:x86_64 edge",
    "images:two:squashfs:x86_64 edge",
    "images:two:tbz:x86_64 edge",
]


def test_each_image_of_a_commit_is_asked_for_once(watch: Watch) -> None:
    assert watch.take() == EVERYTHING
    assert watch.take() == []
    watch.memory.forget_refs("images", ["refs/heads/main"])  # as after a crash before anything was noted
    assert watch.take() == []


def test_a_push_builds_what_it_touches(watch: Watch) -> None:
    watch.take()
    watch.repo.commit({"README": "Images\n"})
    assert watch.take() == []
    watch.repo.commit({"two/root/etc/motd": "Hello\n"})
    assert watch.take() == EVERYTHING[2:]
    superseded = [job.number for job in watch.jobs.find(states=("cancelled",))]
    assert superseded == [4, 3], "the older builds of this branch are not wanted any more"


def test_a_branch_that_goes_back_is_built_again(watch: Watch) -> None:
    watch.take()
    first = watch.repo.git("rev-parse", "HEAD")
    watch.repo.commit({"two/root/etc/motd": "Hello\n"})
    assert watch.take() == EVERYTHING[2:], "what waited for the first commit is superseded"
    watch.repo.git("reset", "-q", "--hard", first)
    assert watch.take() == EVERYTHING[2:]
    assert {job.request.commit for job in watch.waiting()} == {first}
    watch.end(*watch.waiting())
    second = watch.repo.commit({"two/root/etc/motd": "Hello again\n"})
    assert watch.take() == EVERYTHING[2:]
    watch.end(*watch.waiting())
    for _ in range(2):
        watch.repo.git("reset", "-q", "--hard", first)
        assert watch.take() == EVERYTHING[2:], "though both commits were built before"
        watch.memory.moved("images", "refs/heads/main", second, ())  # as after a crash before anything was noted
        assert watch.take() == []
        watch.end(*watch.waiting())
        watch.repo.git("reset", "-q", "--hard", second)
        assert watch.take() == EVERYTHING[2:]
        watch.end(*watch.waiting())


def test_a_branch_that_goes_back_after_many_other_builds_is_built_again(watch: Watch) -> None:
    watch.edit(descriptions=("two",), images=Images(types=("squashfs",)))
    watch.take()
    first = watch.repo.git("rev-parse", "HEAD")
    watch.end(*watch.waiting())
    watch.repo.commit({"two/root/etc/motd": "Hello\n"})
    (asked,) = watch.look.take(watch.watched)[1]
    watch.end(asked)
    for night in range(101):
        watch.jobs.add(msgspec.structs.replace(asked.request, trigger="nightly", nonce=str(night)))
    watch.repo.git("reset", "-q", "--hard", first)
    assert watch.take() == EVERYTHING[2:3]


def test_a_cancelled_build_may_be_asked_for_again(watch: Watch) -> None:
    watch.take()
    (first, *_) = watch.waiting()
    watch.dispatcher.cancel(first.id, "by hand")
    assert watch.dispatcher.submit(first.request) is not None
    assert watch.dispatcher.submit(first.request) is None


def test_what_another_branch_has_is_not_superseded(watch: Watch) -> None:
    watch.edit(refs=("main", "stable/*"))
    watch.both_to("edge")
    assert watch.take() == EVERYTHING
    watch.repo.git("branch", "stable/1")
    assert watch.take() == []
    watch.repo.commit({"one/root/etc/motd": "Hello\n", "two/root/etc/motd": "Hello\n"})
    assert watch.take() == EVERYTHING
    assert len(watch.waiting()) == 8
    watch.repo.git("branch", "-f", "stable/1", "main")
    watch.repo.git("branch", "stable/2", "main")
    watch.repo.commit({"one/root/etc/motd": "Hello again\n", "two/root/etc/motd": "Hello again\n"})
    assert watch.take() == EVERYTHING
    assert len(watch.waiting()) == 8, "nobody has the first commit any more"


def test_a_commit_that_another_branch_had_supersedes_too(watch: Watch) -> None:
    watch.edit(refs=("main", "next"))
    watch.both_to("edge")
    watch.repo.git("branch", "next")
    watch.take()
    watch.end(*watch.waiting())
    watch.repo.commit({"one/root/etc/motd": "Hello\n"})
    watch.repo.git("checkout", "-q", "next")
    watch.repo.commit({"one/root/etc/motd": "Welcome\n"})
    assert watch.take() == sorted([*EVERYTHING[:2], *EVERYTHING[:2]])
    watch.repo.git("branch", "-f", "main", "next")
    assert watch.take() == []
    assert {job.request.ref for job in watch.waiting()} == {"refs/heads/next"}


def test_tags_go_to_their_channel_and_are_never_superseded(watch: Watch) -> None:
    watch.repo.git("tag", "v1")
    watch.take()
    watch.repo.commit({"one/root/etc/motd": "Hello\n"})
    watch.repo.git("tag", "-a", "-m", "Second", "v2")
    assert watch.take() == sorted([*EVERYTHING[:2], *(line.replace("edge", "stable") for line in EVERYTHING)])
    watch.repo.commit({"one/root/etc/motd": "Hello again\n"})
    watch.take()
    assert sum(job.request.trigger == "tag" for job in watch.waiting()) == 4


def test_old_tags_are_not_built_after_a_crash_in_the_first_look(watch: Watch) -> None:
    class Killed(Look):
        def scan(self, repository: WatchedRepository, commit: str, known: dict[str, str]) -> Scanned:
            if watch.memory.refs("images").keys() & {"refs/heads/main"}:
                raise KeyboardInterrupt
            return super().scan(repository, commit, known)

    watch.edit(refs=("*",))
    for ref in (("branch", "next"), ("tag", "v1"), ("tag", "v2")):
        watch.repo.git(*ref)
    watch.repo.git("checkout", "-q", "next")
    watch.repo.commit({"one/root/etc/motd": "Hello\n"})
    with pytest.raises(KeyboardInterrupt):
        Killed(watch.memory, watch.dispatcher).take(watch.watched)
    watch.take()
    assert not [job for job in watch.jobs.find() if job.request.trigger == "tag"]


def test_tags_of_a_new_pattern_are_not_built(watch: Watch) -> None:
    watch.edit(tags=())
    for tag in ("v1", "release-1"):
        watch.repo.git("tag", tag)
    watch.take()
    watch.edit(tags=("v*",))
    assert watch.take() == []
    watch.edit(tags=("v*", "release-*"))
    watch.repo.git("tag", "v2")
    assert watch.take() == [text.replace("edge", "stable") for text in EVERYTHING], "only the new one"
    watch.repo.git("tag", "release-2")
    assert len(watch.take()) == 4


def test_the_first_tag_of_a_repository_is_built(watch: Watch) -> None:
    watch.edit(refs=("none",))
    assert watch.take() == []
    watch.repo.git("tag", "v1")
    assert len(watch.take()) == 4


def test_patterns_choose_branches_folders_and_images(watch: Watch) -> None:
    watch.repo.git("branch", "release/1")
    watch.repo.git("branch", "other")
    watch.edit(refs=("release/*",), descriptions=("t*",), images=Images(types=("tbz",)))
    assert watch.take() == ["images:two:tbz:x86_64 "]
    watch.repo.git("branch", "-D", "release/1")
    assert watch.take() == []
    assert watch.memory.refs("images") == {}


def test_the_branches_that_locks_are_pushed_to_are_not_built(watch: Watch) -> None:
    pull = PullRequest(forge="gitea", project="a/b", token="x")
    watch.edit(refs=("*",), schedules=(Schedule(nightly=True, pull_request=pull),))
    assert len(watch.take()) == 4
    for branch in (
        "packhouse/lock",
        branch_for("packhouse/lock", "one"),
        branch_for("packhouse/lock", "a/b"),
        "x",
    ):
        watch.repo.git("checkout", "-q", "-b", branch, "main")
        watch.repo.commit({"one/root/etc/motd": branch})
    watch.take()
    assert {job.request.ref for job in watch.waiting()} == {"refs/heads/main", "refs/heads/x"}
    # another name from now on: what is left is nobody's push, until somebody does
    watch.edit(schedules=(Schedule(nightly=True, pull_request=msgspec.structs.replace(pull, branch="other")),))
    assert watch.take() == []
    watch.edit(schedules=())
    assert watch.take() == []
    watch.repo.git("checkout", "-q", "packhouse/lock")
    watch.repo.commit({"one/root/etc/motd": "somebody's"})
    watch.take()
    assert "refs/heads/packhouse/lock" in {job.request.ref for job in watch.waiting()}
    assert not any(job.request.ref.startswith("refs/heads/packhouse/lock-") for job in watch.waiting())


def test_a_folder_has_a_branch_of_its_own() -> None:
    assert branch_for("p/l", ".") == "p/l"
    assert branch_for("p/l", "server") == "p/l-server"
    folders = ["a/b", "a-b", "a b", "a..b", "ä", "x.lock", "a/b~", "x" * 300]
    names = [branch_for("p/l", folder) for folder in folders]
    assert len(set(names)) == len(names)
    for name in names:
        assert re.fullmatch(r"p/l-[A-Za-z0-9_-]{1,130}|p/l-x{300}", name), name


def test_a_broken_description_harms_no_other(watch: Watch) -> None:
    watch.repo.commit({"one/appliance.kiwi": "<image"})
    assert watch.take() == EVERYTHING[2:]
    found = {one.subdir: one for one in watch.memory.descriptions("images", "refs/heads/main")}
    assert "appliance.kiwi:1" in found["one"].problems[0]
    assert len(found["two"].images) == 2


def test_what_cannot_be_asked_is_told(watch: Watch) -> None:
    watch.edit(url=(watch.repo.path / "nowhere").as_uri())
    with pytest.raises(SourceError, match="nowhere"):
        watch.take()


def test_the_poller_finds_pushes_and_tells_of_failures(watch: Watch) -> None:
    seconds, over = 1.0, threading.Event()
    poller = Poller(watch.memory, watch.look, lambda _name: (watch.watched, seconds))
    thread = threading.Thread(target=poller.run, args=(over,))
    thread.start()
    try:
        wait_until(lambda: len(watch.waiting()) == 4, seconds=60)
        watch.repo.commit({"one/root/etc/motd": "Hello\n"})
        wait_until(lambda: len(watch.jobs.find()) == 6, seconds=60)
        seconds = 3600.0
        wait_until(lambda: watch.memory.record("images").due_at > time.time() + 1000, seconds=60)
        watch.repo.commit({"one/root/etc/motd": "Hello again\n"})
        assert watch.memory.hasten("images")
        wait_until(lambda: len(watch.jobs.find()) == 8, seconds=60)
        watch.edit(url=(watch.repo.path / "nowhere").as_uri())
        watch.memory.hasten("images")
        wait_until(lambda: "nowhere" in watch.memory.record("images").error, seconds=60)
        assert watch.memory.record("images").failures == 1
    finally:
        over.set()
        thread.join()
    assert not watch.memory.hasten("others")


def test_a_runner_that_ends_waits_for_no_repository(watch: Watch) -> None:
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        watch.edit(url=f"http://127.0.0.1:{silent.getsockname()[1]}/images.git")
        watch.watched = replace(watch.watched, stop=over.is_set)
        poller = Poller(watch.memory, watch.look, lambda _name: (watch.watched, 3600.0))
        thread = threading.Thread(target=poller.run, args=(over,))
        thread.start()
        client, _ = silent.accept()
        over.set()
        thread.join(5)
        client.close()
        assert not thread.is_alive()
    record = watch.memory.record("images")
    assert (record.failures, record.error) == (0, "")
    assert record.due_at <= time.time(), "it is looked at first thing at the next start"


def test_a_repository_with_unsigned_commits_does_not_make_its_host_rest(watch: Watch) -> None:
    signers = watch.repo.path.parent / "signers"
    signers.write_text("")
    watch.watched = replace(watch.watched, allowed_signers=signers)
    over = threading.Event()
    looks: list[bool] = []

    def looked(host: str, seconds: float, *, failed: bool) -> None:
        assert (host, seconds > 0) == ("", True)
        looks.append(failed)
        watch.memory.hasten("images")

    poller = Poller(watch.memory, watch.look, lambda _name: (watch.watched, 0.1), looked)
    thread = threading.Thread(target=poller.run, args=(over,))
    thread.start()
    try:
        wait_until(lambda: len(looks) >= 5, seconds=60)
    finally:
        over.set()
        thread.join()
    assert all(looks)


def test_one_missing_secret_stops_the_watching_of_its_repository_only(watch: Watch) -> None:
    def found(name: str) -> tuple[WatchedRepository, float]:
        if name == "closed":
            raise SecretError("token", "it is empty", "write it")
        return watch.watched, 3600.0

    watch.memory.know(["closed", "images"])
    over = threading.Event()
    thread = threading.Thread(target=Poller(watch.memory, watch.look, found).run, args=(over,))
    thread.start()
    try:
        wait_until(lambda: len(watch.waiting()) == 4, seconds=60)
        wait_until(lambda: "token" in watch.memory.record("closed").error, seconds=60)
    finally:
        over.set()
        thread.join()
    assert watch.memory.record("closed").failures == 1
    assert watch.memory.record("closed").due_at > time.time()


def test_as_many_repositories_are_asked_at_once_as_told(watch: Watch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as host:
        host.settimeout(30)
        watch.edit(url=f"http://127.0.0.1:{host.getsockname()[1]}/r.git")
        watch.memory.know([f"r{number}" for number in range(5)])
        over = threading.Event()
        poller = Poller(watch.memory, watch.look, lambda name: (replace(watch.watched, name=name), 99.0), looks=3)
        thread = threading.Thread(target=poller.run, args=(over,))
        thread.start()
        try:
            asked = [host.accept()[0] for _ in range(3)]
            host.settimeout(1)
            with pytest.raises(TimeoutError):
                host.accept()
        finally:
            over.set()
            for connection in asked:
                connection.close()
            host.close()
            thread.join()


def test_a_look_that_cannot_be_noted_frees_its_place(watch: Watch) -> None:
    over = threading.Event()
    looks: list[bool] = []

    def looked(host: str, seconds: float, *, failed: bool) -> None:
        assert (host, seconds > 0) == ("", True)
        looks.append(failed)
        watch.memory.hasten("images")
        if len(looks) == 1:
            raise OperationalError("", {}, Exception("the database is away"))

    poller = Poller(watch.memory, watch.look, lambda _name: (watch.watched, 0.1), looked)
    thread = threading.Thread(target=poller.run, args=(over,))
    thread.start()
    try:
        wait_until(lambda: len(looks) >= 2, seconds=60)
    finally:
        over.set()
        thread.join()


def test_the_repositorys_own_file_decides_what_it_may(watch: Watch) -> None:
    watch.repo.commit({".packhouse.yaml": "descriptions: [two]\nimages: {types: [tbz]}\nnightly: true\n"})
    assert watch.take() == ["images:two:tbz:x86_64 edge"]
    assert watch.memory.own_files()["images"].nightly is True
    watch.edit(own_file=False)
    watch.repo.commit({"one/root/etc/motd": "Hello\n"})
    assert watch.take() == EVERYTHING[:2]


def test_only_signed_commits_count_where_that_is_asked_for(watch: Watch, tmp_path: Path) -> None:
    key, signers = tmp_path / "key", tmp_path / "signers"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    signers.write_text(f"author@example.org {key.with_suffix('.pub').read_text()}")
    watch.watched = replace(watch.watched, allowed_signers=signers)
    with pytest.raises(VerificationError, match="not signed by anybody who may"):
        watch.take()
    assert watch.waiting() == []
    for name, value in (("gpg.format", "ssh"), ("user.signingkey", str(key)), ("commit.gpgsign", "true")):
        watch.repo.git("config", name, value)
    watch.repo.commit({"one/root/etc/motd": "Signed\n"})
    assert watch.take() == EVERYTHING
    signers.write_text("somebody@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNvYm9keQ==\n")
    watch.repo.commit({"one/root/etc/motd": "Signed again\n"})
    with pytest.raises(VerificationError):
        watch.take()


def test_what_is_asked_for_by_hand_is_built_again(watch: Watch) -> None:
    def by_hand(ref: str) -> list[str]:
        made = build_by_hand(watch.look, watch.dispatcher, watch.watched, ref)
        assert {job.request.trigger for job in made} == {"manual"}
        return sorted(f"{job.request.image} {job.request.channel}" for job in made)

    assert watch.take() == EVERYTHING
    assert by_hand("") == EVERYTHING
    assert by_hand("main") == EVERYTHING
    watch.repo.git("tag", "v1")
    assert by_hand("v1") == [text.replace("edge", "stable") for text in EVERYTHING]
    with pytest.raises(SourceError, match="no branch or tag 'none'"):
        by_hand("none")
