# SPDX-License-Identifier: Apache-2.0
"""A refreshed lock goes onto a branch of a real repository over HTTP, and to a forge as one change."""

from __future__ import annotations

import os
import re
import shutil
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest

from runner.digest import sha256_bytes
from runner.errors import SourceError, UsageError
from runner.packages import lockfile
from runner.packages.lock import LOCK_FILE
from runner.redact import Redactor
from runner.service.config.model import PullRequest, Repository, Schedule, ServiceConfig
from runner.service.database.connect import database_url, open_database
from runner.service.database.tables import OUTBOX
from runner.service.jobs.locks import LockTexts
from runner.service.jobs.model import ImageKey, Job, JobRequest, JobResult, Proposal
from runner.service.jobs.store import JobStore
from runner.service.outbox.announce import job_changed
from runner.service.outbox.courier import Courier
from runner.service.outbox.http import HttpSender
from runner.service.outbox.store import Outbox
from runner.service.steps.launch import Surroundings, run_step
from runner.service.steps.order import Proposed, ProposeOrder
from tests.support.forge import PROJECT, TOKEN, FakeForge, Kind, serve_forge
from tests.support.git_http import serve_git
from tests.support.git_repo import GitRepo
from tests.support.recorder import Answer
from tests.support.site import lock_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.packages.lock import Lock

pytestmark = pytest.mark.integration

PASSWORD = "canary-git/password"
BRANCH = "packhouse/lock-server"
AUTHOR = ("Packhouse", "noreply@example.org")
LOCK = f"server/{LOCK_FILE}"
IMAGE = ImageKey(repository="images", subdir="server", type_name="oem", arch="x86_64")


class Place:
    """A bare repository behind a login, the work tree it came from, and a step that proposes."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, f"{url}/images.git"
        self.work, self.bare = GitRepo(folder / "work"), folder / "served/images.git"
        self.lines: list[str] = []
        self.environment = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PACKHOUSE_STORE": str(folder / "store"),
            "PACKHOUSE_GIT_USERNAME": "alice",
            "PACKHOUSE_GIT_PASSWORD": PASSWORD,
        }

    def push(self, files: dict[str, str]) -> str:
        commit = self.work.commit(files)
        self.work.git("push", "-q", str(self.bare), "main")
        return commit

    def git(self, *args: str) -> str:
        return GitRepo(self.bare).git(*args)

    def order(self, lock: Lock, **changes: Any) -> ProposeOrder:
        made = ProposeOrder(
            url=self.url,
            commit=self.work.git("rev-parse", "HEAD"),
            ref="refs/heads/main",
            subdir="server",
            lock=lockfile.render(lockfile.LockFile(locks=(lock,))).decode(),
            branch=BRANCH,
            author=AUTHOR,
            seconds=60,
        )
        return msgspec.structs.replace(made, **changes)

    def propose(self, lock: Lock, **changes: Any) -> Proposed:
        around = Surroundings(
            environment=self.environment, redact=Redactor.of([PASSWORD]), seconds=60, log_bytes=1 << 20
        )
        done = run_step(self.order(lock, **changes), around, lambda event: self.lines.append(str(event)))
        assert isinstance(done, Proposed)
        return done

    def proposed(self) -> dict[str, dict[str, str]]:
        """The locks on our branch: request to packages."""
        file = lockfile.parse(self.git("show", f"{BRANCH}:{LOCK}").encode())
        return {lock.request: {each.name: each.version for each in lock.packages} for lock in file.locks}


def recorded_git(folder: Path) -> Path:
    """Put a ``git`` before the real one that records every argument list."""
    folder.mkdir()
    script = folder / "git"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {folder}/argv\nexec {shutil.which("git")} "$@"\n')
    script.chmod(0o755)
    return folder / "argv"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    work = GitRepo.create(tmp_path / "work")
    work.commit({"server/config.xml": "<image/>", LOCK: locks(lock({"bash": "5.1", "old": "1"})), "README": "x"})
    work.git("clone", "-q", "--bare", str(work.path), str(tmp_path / "served/images.git"))
    recorded_git(tmp_path / "bin")
    with serve_git(tmp_path / "served", login=("alice", PASSWORD)) as url:
        yield Place(tmp_path, url)


def lock(packages: dict[str, str], request: str = "0") -> Lock:
    """A lock whose packages have digests of their own."""
    made = lock_of(packages)
    told = tuple(
        msgspec.structs.replace(one, sha256=sha256_bytes(f"{one.name} {one.version}".encode()))
        for one in made.packages
    )
    return msgspec.structs.replace(made, packages=told, request=request * 64)


def locks(*each: Lock) -> str:
    return lockfile.render(lockfile.LockFile(locks=each)).decode()


def test_the_branch_has_one_commit_of_one_file(place: Place, tmp_path: Path) -> None:
    made = place.propose(lock({"bash": "5.2", "new": "1"}))
    assert (made.branch, made.base, made.title) == (BRANCH, "main", "Refresh the lock of server")
    assert made.text.splitlines() == ["~ bash (amd64)  5.1 → 5.2", "+ new (amd64)   1", "- old (amd64)   1"]
    assert place.git("diff", "--name-only", "main", BRANCH) == LOCK
    assert place.git("rev-parse", f"{BRANCH}^") == place.git("rev-parse", "main")
    shown = place.git("show", "-s", "--format=%an <%ae>|%cn|%at|%ct|%B", BRANCH)
    assert shown.startswith("Packhouse <noreply@example.org>|Packhouse|1700000000|1700000000|Refresh the lock of")
    assert made.text in shown
    assert place.proposed() == {"0" * 64: {"bash": "5.2", "new": "1"}}
    argv = (tmp_path / "bin/argv").read_text()
    assert f"--force-with-lease=refs/heads/{BRANCH}:" in argv
    assert "canary" not in argv + "".join(place.lines)


def test_the_same_again_pushes_nothing(place: Place, tmp_path: Path) -> None:
    first = place.propose(lock({"bash": "5.2"}))
    tip = place.git("rev-parse", BRANCH)
    (tmp_path / "bin/argv").unlink()
    assert place.propose(lock({"bash": "5.2"})) == first
    assert place.git("rev-parse", BRANCH) == tip
    assert "push" not in (tmp_path / "bin/argv").read_text()


def test_what_the_repository_has_already_is_not_proposed(place: Place) -> None:
    assert place.propose(lock({"bash": "5.1", "old": "1"})) == Proposed()
    assert place.git("branch", "--list", BRANCH) == ""


def test_a_description_without_a_lock_gets_one(place: Place) -> None:
    made = place.propose(lock({"bash": "5.2"}), subdir=".", branch="packhouse/lock")
    assert (made.title, made.text) == ("Refresh the lock", "+ bash (amd64)  5.2")
    assert place.git("diff", "--name-only", "main", "packhouse/lock") == LOCK_FILE


def test_images_of_one_folder_share_the_branch_whoever_is_first(place: Place) -> None:
    errors: list[BaseException] = []

    def run(request: str) -> None:
        try:
            place.propose(lock({"bash": "5.2", request: "1"}, request))
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=run, args=(request,)) for request in "012"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert place.proposed() == {request * 64: {"bash": "5.2", request: "1"} for request in "012"}
    assert place.git("rev-list", "--count", f"main..{BRANCH}") == "1"


def test_the_branch_follows_the_branch_it_is_proposed_to(place: Place) -> None:
    place.propose(lock({"bash": "5.2"}))
    commit = place.push({"README": "y"})
    place.push({"README": "z"})  # and that goes on while the nightly build runs
    place.propose(lock({"bash": "5.3"}), commit=commit)
    assert place.git("rev-parse", f"{BRANCH}^") == commit
    assert place.proposed() == {"0" * 64: {"bash": "5.3"}}


def test_a_lock_whose_packages_went_back_is_taken_out(place: Place) -> None:
    zero, one = lock({"bash": "5.1", "old": "1"}), lock({"bash": "5.1", "1": "1"}, "1")
    place.push({LOCK: locks(zero, one)})
    place.propose(lock({"bash": "5.2"}))
    place.propose(lock({"bash": "5.2", "1": "1"}, "1"))
    assert place.propose(zero, commit=place.push({"README": "y"})).text == "~ bash (amd64)  5.1 → 5.2"
    assert place.git("rev-parse", f"{BRANCH}^") == place.git("rev-parse", "main")
    assert place.proposed() == {"0" * 64: {"bash": "5.1", "old": "1"}, "1" * 64: {"bash": "5.2", "1": "1"}}
    tip = place.git("rev-parse", BRANCH)
    assert place.propose(zero) == Proposed()
    assert place.git("rev-parse", BRANCH) == tip, "that is for the other image to say"
    assert place.propose(one) == Proposed()
    assert place.git("branch", "--list", BRANCH) == ""


def test_a_branch_goes_once_its_lock_is_committed(place: Place) -> None:
    place.propose(lock({"bash": "5.2"}))
    place.push({LOCK: locks(lock({"bash": "5.2"}))})
    assert place.propose(lock({"bash": "5.2"})) == Proposed()
    assert place.git("branch", "--list", BRANCH) == ""


def test_what_others_committed_there_stays(place: Place) -> None:
    place.propose(lock({"bash": "5.2"}))
    place.work.git("fetch", "-q", str(place.bare), BRANCH)
    place.work.git("checkout", "-q", "FETCH_HEAD")
    commit = place.work.commit({"README": "somebody's"})
    place.work.git("push", "-q", str(place.bare), f"HEAD:{BRANCH}")
    place.work.git("checkout", "-q", "main")
    with pytest.raises(UsageError, match="has a commit that is not ours"):
        place.propose(lock({"bash": "5.3"}))
    assert place.propose(lock({"bash": "5.1", "old": "1"})) == Proposed()
    assert place.git("rev-parse", BRANCH) == commit


@pytest.mark.parametrize("changes", [{"ref": "refs/tags/v1"}, {"branch": "main"}])
def test_only_a_branch_of_its_own_is_pushed(place: Place, changes: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="is no branch that"):
        place.propose(lock({"bash": "5.2"}), **changes)
    assert place.git("rev-parse", "main") == place.work.git("rev-parse", "HEAD")


def test_a_refused_push_says_why(place: Place) -> None:
    hook = place.bare / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\necho robots may not push >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(SourceError, match="does not take the push") as caught:
        place.propose(lock({"bash": "5.2"}))
    assert "robots may not push" in "\n".join(caught.value.log_tail)
    place.environment["PACKHOUSE_GIT_PASSWORD"] = "canary-wrong"
    with pytest.raises(SourceError, match="wants a login") as caught:
        place.propose(lock({"bash": "5.2"}))
    assert "canary" not in str(caught.value) + "".join(caught.value.log_tail)


def test_a_lock_file_that_is_a_link_is_left_alone(place: Place) -> None:
    (place.work.path / LOCK).unlink()
    (place.work.path / LOCK).symlink_to("../README")
    place.push({})
    with pytest.raises(SourceError, match="is no plain file"):
        place.propose(lock({"bash": "5.2"}))


def test_no_hook_of_this_machine_runs(place: Place, tmp_path: Path) -> None:
    """Nor does any configuration that a user of this machine has count."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "pre-commit", "post-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (hooks / name).chmod(0o755)
    (tmp_path / ".gitconfig").write_text(f"[core]\n\thooksPath = {hooks}\n[user]\n\tname = Somebody\n")
    place.propose(lock({"bash": "5.2"}))
    assert not (tmp_path / "ran").exists()


class World:
    """The other half: jobs that end, an outbox, a forge."""

    def __init__(self, place: Place, forge: FakeForge, stack: ExitStack) -> None:
        self.place, self.forge = place, forge
        engine = open_database(database_url("", place.folder))
        stack.callback(engine.dispose)
        pull = PullRequest(forge=forge.kind, project=PROJECT, token="forge", api=forge.api)
        repository = Repository(url=place.url, schedules=(Schedule(nightly=True, pull_request=pull),))
        config = ServiceConfig(public_url="https://images.example", repositories={"images": repository})
        self.jobs = JobStore(engine, changed=lambda connection, job: job_changed(connection, job, config))
        self.courier = Courier(
            Outbox(engine),
            config=lambda: config,
            secret={"forge": TOKEN}.__getitem__,
            sender=stack.enter_context(HttpSender()),
            jobs=self.jobs,
        )

    def begin(self, nonce: str) -> Job:
        request = JobRequest(
            image=IMAGE,
            ref="refs/heads/main",
            commit=self.place.work.git("rev-parse", "HEAD"),
            trigger="nightly",
            schedule="nightly",
            nonce=nonce,
        )
        job = self.jobs.add(request)
        assert job is not None
        begun = self.jobs.begin(job.id, "worker")
        assert begun is not None
        return begun

    def end(self, job: Job, made: Proposed) -> Job:
        digest = sha256_bytes(made.text.encode())
        LockTexts(self.jobs.engine).keep(digest, made.text)
        proposal = Proposal(branch=made.branch, base=made.base, title=made.title, text=digest)
        if not made.branch:
            proposal = Proposal(settled=BRANCH)
        self.forge.branches = set(self.place.git("branch", "--format=%(refname:short)").splitlines())
        assert self.jobs.end(job.id, job.attempt, "done", result=JobResult(proposal=proposal))
        while self.courier.run_once():
            pass
        found = self.jobs.get(job.id)
        assert found is not None
        return found


@pytest.fixture(params=get_args(Kind))
def world(request: pytest.FixtureRequest, place: Place) -> Iterator[World]:
    with serve_forge(request.param) as forge, ExitStack() as stack:
        yield World(place, forge, stack)


def test_one_change_is_proposed_and_kept_up_to_date(world: World) -> None:
    for number, version in enumerate(("5.2", "5.3")):
        ended = world.end(world.begin(version), world.place.propose(lock({"bash": version, "old": "1"})))
        (pull,) = world.forge.pulls
        assert (pull.branch, pull.base, pull.title) == (BRANCH, "main", "Refresh the lock of server")
        assert f"```diff\n~ bash (amd64)  5.1 → {version}\n```" in pull.body
        assert f"https://images.example/jobs/{number + 1}" in pull.body
        assert ended.result is not None
        assert ended.result.proposal is not None
        assert ended.result.proposal.url.endswith("/pulls/1")
        assert ended.result.proposal.error == ""


def test_what_was_proposed_is_closed_when_packages_went_back(world: World) -> None:
    back = lock({"bash": "5.1", "old": "1"})
    world.end(world.begin("1"), world.place.propose(lock({"bash": "5.2"})))
    world.forge.script.append(Answer(403))
    ended = world.end(world.begin("2"), world.place.propose(back))
    assert ended.result is not None
    assert ended.result.proposal is not None
    assert re.match("the one before is still open: .* answered 403", ended.result.proposal.error)
    world.forge.script.append(Answer(503))  # it is told until it hears
    ended = world.end(world.begin("3"), world.place.propose(back))
    assert ended.result is not None
    assert ended.result.proposal == Proposal(settled=BRANCH)
    assert [pull.is_open for pull in world.forge.pulls] == [True]
    with world.jobs.engine.begin() as connection:
        connection.execute(OUTBOX.update().values(due_at=0))
    while world.courier.run_once():
        pass
    assert [pull.is_open for pull in world.forge.pulls] == [False]
    world.end(world.begin("4"), world.place.propose(lock({"bash": "5.2"})))
    assert [pull.is_open for pull in world.forge.pulls] == [False, True]


def test_a_crash_between_push_and_proposal_loses_nothing(world: World) -> None:
    job = world.begin("1")
    world.place.propose(lock({"bash": "5.2"}))
    again = world.jobs.begin(job.id, "worker")  # the step was cut off: it is taken again
    assert again is not None
    world.end(again, world.place.propose(lock({"bash": "5.2"})))
    assert [pull.branch for pull in world.forge.pulls] == [BRANCH]


def test_a_forge_that_refuses_is_told_with_the_job(world: World) -> None:
    world.forge.script.append(Answer(403, {"message": "the token may not"}))
    ended = world.end(world.begin("1"), world.place.propose(lock({"bash": "5.2"})))
    assert ended.state == "done"
    assert ended.result is not None
    assert ended.result.proposal is not None
    assert "answered 403" in ended.result.proposal.error
    assert "the token may not" in ended.result.proposal.error
    assert TOKEN not in ended.result.proposal.error


def test_an_image_without_news_takes_no_offer_of_another_one_back(world: World) -> None:
    one = lock({"bash": "5.1"}, "1")
    world.place.push({LOCK: locks(lock({"bash": "5.1", "old": "1"}), one)})
    world.forge.script.append(Answer(503))
    world.end(world.begin("1"), world.place.propose(lock({"bash": "5.2"})))
    assert world.forge.pulls == []
    world.end(world.begin("2"), world.place.propose(one))
    with world.jobs.engine.begin() as connection:
        connection.execute(OUTBOX.update().values(due_at=0))
    while world.courier.run_once():
        pass
    assert [pull.branch for pull in world.forge.pulls] == [BRANCH]
