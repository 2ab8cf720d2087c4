# SPDX-License-Identifier: Apache-2.0
"""``packhouse serve`` as it is run: a push over HTTP becomes a signed release in S3, and the forge hears of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import httpx
import pytest
import yaml

from runner.storage import catalog
from runner.storage.location import open_storage
from tests.e2e.conftest import BUCKET, PASSPHRASE
from tests.support.apt_repo import build_deb
from tests.support.bench import processes_of, wait_until
from tests.support.deliveries import SIGNING_TOKEN, push_body, signed_push
from tests.support.forge import PROJECT, TOKEN, FakeForge, Kind, serve_forge
from tests.support.git_http import serve_git
from tests.support.git_repo import GitRepo
from tests.support.readme import readme_configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import KeyPair
    from tests.support.bench import Bench
    from tests.support.s3 import S3Address

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

HOOK = "canary-hook-secret"
ADMIN = "canary-admin-token"
GIT = "canary-git-password"
CONTEXT = "packhouse/servers:image:squashfs:x86_64"
BRANCH = "packhouse/lock-image"


@dataclass(slots=True)
class Service:
    """A running ``packhouse serve``, the repository that it watches and everything it speaks to."""

    bench: Bench
    git: GitRepo
    bare: Path
    url: str
    forge: FakeForge
    s3: S3Address
    prefix: str
    port: int
    config: dict[str, Any] = field(default_factory=dict)
    child: subprocess.Popen[str] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def storage(self) -> str:
        return f"s3://{BUCKET}/{self.prefix}"

    def configure(self) -> Path:
        file = self.bench.base / "packhouse.yaml"
        file.write_text(yaml.safe_dump(self.config))
        return file

    def start(self, early: int = 0) -> None:
        """Start; ``early`` is a signal for the first time, given before anything is ready for it."""
        file = self.configure()
        command = self.bench.command.with_env(
            **self.bench.setup.environment,
            HOOK_SECRET=HOOK,
            SIGNING_TOKEN=SIGNING_TOKEN,
            ADMIN_TOKEN=ADMIN,
            GIT_PASSWORD=GIT,
            FORGE_TOKEN=TOKEN,
            KEY_PASSPHRASE=PASSPHRASE,
            S3_SECRET_KEY=self.s3.secret_key,
        )
        command.home()
        self.child = subprocess.Popen(
            [sys.executable, "-m", "runner", "--json", "-v", "serve", "--config", file],
            cwd=command.home(),
            env=command.environment(),
            stdout=subprocess.DEVNULL,
            stderr=(self.bench.base / "serve.log").open("a"),
            text=True,
        )
        if early:
            wait_until((self.bench.base / "state").exists, seconds=60)
            self.child.send_signal(early)
        wait_until(self.is_up, seconds=60)

    def is_up(self) -> bool:
        assert self.child is not None
        assert self.child.poll() is None, self.log()
        try:
            return httpx.get(f"{self.base}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(number)
            assert self.child.wait(30) in {0, -signal.SIGKILL}, self.log()

    def commit(self, files: dict[str, str]) -> str:
        return self.git.commit({f"image/{name}": text for name, text in files.items()})

    def push(self, files: dict[str, str]) -> str:
        commit = self.commit(files)
        self.git.git("push", "-q", str(self.bare), "main")
        return commit

    def jobs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{self.base}/api/v1/jobs").json()["jobs"]
        return found

    def job_of(self, commit: str) -> dict[str, Any] | None:
        return next((job for job in self.jobs() if job["request"]["commit"] == commit), None)

    def ended(self, commit: str) -> dict[str, Any]:
        def has_ended() -> bool:
            job = self.job_of(commit)
            return job is not None and job["state"] in {"done", "failed", "cancelled"}

        wait_until(has_ended, seconds=120)
        job = self.job_of(commit)
        assert job is not None
        return job

    def column(self, query: str, name: str = "packhouse.db") -> list[Any]:
        """What is in the first column of a database, read behind the runner's back."""
        file = self.bench.base / "state" / name
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            return [row[0] for row in connection.execute(query)]

    def nightly(self) -> dict[str, Any]:
        """Run the schedule now; its one job when that has ended."""
        known = len(self.jobs())
        url, headers = f"{self.base}/api/v1/schedules/servers/nightly/run", {"Authorization": f"Bearer {ADMIN}"}
        answer = httpx.post(url, headers=headers, timeout=60)
        assert answer.is_success, answer.text
        wait_until(lambda: len(self.jobs()) == known + 1, seconds=30)
        wait_until(lambda: self.jobs()[0]["state"] in {"done", "failed"}, seconds=120)
        return self.jobs()[0]

    def move_mirror(self, folder: Path, version: str) -> None:
        """Have the mirror offer another version of a package."""
        content = folder / version
        (content / "usr/share/hello").mkdir(parents=True)
        (content / "usr/share/hello/greeting").write_text(f"hello from {version}\n")
        setup = self.bench.setup
        setup.repo.add(build_deb(folder, "hello", content, version=version, Depends="dpkg"))
        setup.repo.write(setup.signer)

    def log(self) -> str:
        return (self.bench.base / "serve.log").read_text()[-6000:]

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = (self.bench.base / "serve.log").read_text().splitlines()
        return [entry for line in lines if (entry := json.loads(line))["event"] == event]


def configuration(made: Service, key: KeyPair) -> dict[str, Any]:
    """The README's, with other places: addresses, ports and paths, and the account of another S3."""
    config = readme_configuration()
    config |= {
        "state": str(made.bench.base / "state"),
        "listen": f"127.0.0.1:{made.port}",
        "public_url": made.base,
    }
    destination, repository = config["destinations"]["images"], config["repositories"]["servers"]
    destination["url"], destination["sign"]["key"] = made.storage, str(key.private)
    destination["settings"] |= {
        "AWS_ACCESS_KEY_ID": made.s3.access_key,
        "AWS_ENDPOINT_URL": made.s3.endpoint,
        "AWS_REGION": made.s3.region,
    }
    repository["url"] = made.url
    for place in (repository["status"], repository["schedules"][0]["pull_request"]):
        place["api"] = made.forge.api
    return config


@pytest.fixture
def service(bench: Bench, s3: S3Address, key: KeyPair) -> Iterator[Service]:
    git = GitRepo.create(bench.base / "work")
    bench.setup.description.rename(git.path / "image")
    git.commit({".packhouse.yaml": "images: {types: [squashfs]}\n"}, message="Begin")
    bare = bench.base / "git/images.git"
    git.git("clone", "-q", "--bare", str(git.path), str(bare))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serve_git(bare.parent, login=("x-access-token", GIT)) as url, serve_forge("forgejo") as forge:
        made = Service(
            bench=bench, git=git, bare=bare, url=f"{url}/images.git", forge=forge, s3=s3,
            prefix=bench.base.name, port=port,
        )  # fmt: skip
        made.config = configuration(made, key)
        try:
            yield made
        finally:
            made.stop(signal.SIGKILL)


def fetched(service: Service, reference: str, key: KeyPair, folder: str) -> Path:
    out = service.bench.base / folder
    command = service.bench.command.with_env(**service.s3.environment())
    command.run("fetch", service.storage, reference, "--key", key.public, "-o", out)
    return out


def test_a_push_becomes_a_verified_release(service: Service, key: KeyPair) -> None:
    service.start()
    first = service.git.git("rev-parse", "HEAD")
    wait_until(lambda: service.job_of(first) is not None, seconds=30)
    assert service.ended(first)["state"] == "done", service.log()

    began = time.monotonic()
    commit = service.push({"root/etc/motd": "Hello\n"})
    wait_until(lambda: (service.job_of(commit) or {}).get("started_at") is not None, seconds=30)
    assert time.monotonic() - began < 20, "ten seconds, on a machine with nothing else to do"
    assert service.ended(commit)["state"] == "done", service.log()
    assert list(fetched(service, "tiny:edge", key, "out").glob("*.squashfs"))
    wait_until(lambda: service.forge.newest(CONTEXT).state == "success", seconds=20)
    newest = service.forge.newest(CONTEXT)
    assert newest.commit == commit
    assert newest.url.startswith(f"{service.base}/jobs/")

    service.push({"../README": "nothing of an image\n"})
    looked = f"SELECT 1 FROM watches WHERE polled_at > {time.time()}"  # noqa: S608
    wait_until(lambda: bool(service.column(looked)), seconds=30)
    assert len(service.jobs()) == 2

    # a webhook hastens what a poll would find, and is the only thing that does within this test's patience
    service.config["repositories"]["servers"]["poll"] = "1h"
    (service.bench.base / "packhouse.yaml").write_text(yaml.safe_dump(service.config))
    assert service.child is not None
    service.child.send_signal(signal.SIGHUP)
    far = f"SELECT 1 FROM watches WHERE due_at > {time.time() + 1800}"  # noqa: S608
    wait_until(lambda: bool(service.logged("the configuration was read anew")), seconds=20)
    wait_until(lambda: bool(service.column(far)), seconds=30)
    commit = service.push({"root/etc/motd": "Hello again\n"})
    body = push_body("forgejo", service.url)
    headers = [(name.decode(), value.decode()) for name, value in signed_push("forgejo", HOOK, body)]
    assert httpx.post(f"{service.base}/hooks/servers", content=body, headers=headers).status_code == 202
    wait_until(lambda: service.job_of(commit) is not None, seconds=20)
    assert service.ended(commit)["state"] == "done", service.log()

    canaries = (HOOK, ADMIN, GIT, TOKEN, PASSPHRASE, service.s3.secret_key)
    said = (service.bench.base / "serve.log").read_text()
    told = [json.loads(line)["event"] for line in said.splitlines()]
    assert {"the web pages are there", "the configuration was read anew"} <= {*told}
    said += "".join(httpx.get(f"{service.base}/api/v1/jobs/{job['number']}/log").text for job in service.jobs())
    assert not [canary for canary in canaries if canary in said]
    service.stop()


def test_a_nightly_build_is_made_when_packages_moved(service: Service, key: KeyPair, tmp_path: Path) -> None:
    service.bench.command.with_env(**service.bench.setup.environment).run("lock", service.git.path / "image")
    head = service.push({})
    service.git.git("push", "-q", str(service.bare), f"main:{BRANCH}")  # somebody's, with that name
    service.start()
    service.move_mirror(tmp_path, "1.5")
    wait_until(lambda: service.job_of(head) is not None, seconds=30)
    assert service.ended(head)["state"] == "done", service.log()

    # the branch is not ours: the lock cannot be offered, and the release is made all the same
    first = service.nightly()
    assert first["state"] == "done", service.log()
    assert "has a commit that is not ours" in first["result"]["proposal"]["error"]
    page = httpx.get(f"{service.base}/jobs/{first['number']}").text
    assert "Warning: the refreshed lock is not proposed: the branch packhouse/lock-image has a commit" in page
    assert list(fetched(service, "tiny:nightly", key, "one").glob("*.squashfs"))
    assert service.git.git("ls-remote", str(service.bare), BRANCH).startswith(head)
    service.git.git("push", "-q", str(service.bare), f":{BRANCH}")

    # nothing moved, so nothing is built; what failed last night is made up for
    again = service.nightly()
    assert again["result"]["unchanged"] is True
    wait_until(lambda: len(service.forge.pulls) == 1, seconds=20)
    assert "~ hello (amd64)  1.0 → 1.5" in service.forge.pulls[0].body
    again = service.nightly()
    assert again["result"]["unchanged"] is True
    assert again["ended_at"] - again["started_at"] < 2, "one second, on a machine with nothing else to do"

    service.move_mirror(tmp_path, "2.0")
    moved = service.nightly()
    assert (moved["result"]["unchanged"], moved["result"]["number"]) == (False, 2)
    page = httpx.get(f"{service.base}/jobs/{moved['number']}").text
    assert "Since release 1 (1.0.0): packages 1 updated" in page
    shown = service.bench.command.run("job", str(moved["number"]), "--server", service.base).json
    (released,) = fetched(service, "tiny:nightly", key, "two").glob("*.changes.json")
    for changes in (shown["changes"], json.loads(released.read_text())):
        assert changes["packages"] == [{"name": "hello", "arch": "amd64", "before": "1.5", "after": "2.0"}]
    wait_until(lambda: "~ hello (amd64)  1.0 → 2.0" in service.forge.pulls[0].body, seconds=20)
    address = f"{service.forge.recorder.url}/acme/images/pulls/1"
    wait_until(lambda: address in httpx.get(f"{service.base}/jobs/{moved['number']}").text, seconds=20)
    (pull,) = service.forge.pulls
    assert (pull.branch, pull.base) == (BRANCH, "main")
    lock = service.git.git("ls-remote", str(service.bare), BRANCH).split()[0]
    assert GitRepo(service.bare).git("diff", "--name-only", head, lock) == "image/packhouse.lock.json"
    said = (service.bench.base / "serve.log").read_text() + str(service.jobs()) + pull.body
    said += "".join(httpx.get(f"{service.base}/api/v1/jobs/{job['number']}/log").text for job in service.jobs())
    assert "canary" not in said


def test_killed_at_each_step_of_a_job(service: Service) -> None:
    """One job, on SQLite, whose every attempt but the last comes one step farther than the one before."""
    storage = service.bench.storage
    service.config["destinations"]["images"]["url"] = storage.as_uri()

    def is_publishing() -> bool:
        built = "SELECT 1 FROM operation_outputs WHERE function_name = 'build'"
        return bool(service.column(built, "queue.db")) and any("runner.service.steps" in one for one in running())

    def is_published() -> bool:
        """The release is in its channel, and the runner, that stands still meanwhile, could not note it."""
        if not is_publishing():
            return False
        assert service.child is not None
        time.sleep(0.1)  # for the order to get there
        service.child.send_signal(signal.SIGSTOP)
        wait_until(lambda: numbers() == [1], seconds=20)
        return True

    def numbers() -> list[int]:
        return catalog.numbers(open_storage(storage.as_uri()), "tiny", "edge") if storage.exists() else []

    def running() -> list[str]:
        return processes_of(service.bench.base)

    def begun(phase: str, attempt: int) -> Callable[[], bool]:
        query = f"SELECT name FROM phases WHERE attempt = {attempt}"  # noqa: S608
        return lambda: phase in service.column(query)

    phases = ("source", "resolve", "packages", "configure", "create", "release")
    moments = [begun(phase, attempt) for attempt, phase in enumerate(phases, 1)]
    moments += [is_publishing, is_published]
    for attempt, moment in enumerate(moments, 1):
        service.start()
        wait_until(moment, seconds=60)
        service.stop(signal.SIGKILL)
        wait_until(lambda: running() == [], seconds=2)
        assert service.bench.mounts() == []
        assert service.column("SELECT state || attempt FROM jobs") == [f"running{attempt}"]
    service.start()
    job = service.ended(service.git.git("rev-parse", "HEAD"))
    service.stop(signal.SIGKILL)  # the forge may not have heard of it yet
    service.start()
    wait_until(lambda: any(status.state == "success" for status in service.forge.statuses), seconds=20)
    assert (job["state"], job["attempt"]) == ("done", len(moments) + 1), service.log()
    assert numbers() == [job["result"]["number"]] == [1]
    assert len(service.jobs()) == 1
    assert service.bench.command.leftovers() == []
    assert [*(service.bench.base / "state" / "work").iterdir()] == []


@dataclass(slots=True)
class Watched:
    """A repository of a running service, on a forge of its own."""

    service: Service
    kind: Kind
    secret: str
    bare: Path
    url: str
    forge: FakeForge

    @property
    def configuration(self) -> dict[str, Any]:
        """How it is watched: only a call has it looked at within the patience of a test."""
        place = {"forge": self.kind, "project": PROJECT, "token": "forge-token", "api": self.forge.api}
        secrets = ["hook", "signing-token"] if self.kind == "gitlab" else ["hook"]
        return {
            "url": self.url,
            "environment": {"PACKHOUSE_GIT_PASSWORD": "git-password"},
            "poll": "1h",
            "webhook": {"forge": self.kind, "secrets": secrets},
            "status": place,
        }

    def push(self, commit: str) -> float:
        """Have the forge get a commit and tell of it; the time of that."""
        self.service.git.git("push", "-q", str(self.bare), f"{commit}:refs/heads/main")
        now, body = time.time(), push_body(self.kind, self.url, after=commit)
        headers = {name.decode(): value.decode() for name, value in signed_push(self.kind, self.secret, body)}
        answer = httpx.post(f"{self.service.base}/hooks/{self.kind}", content=body, headers=headers)
        assert answer.status_code == 202, self.service.log()
        return now

    def job(self, commit: str) -> dict[str, Any]:
        """The job of a commit, none before there is one."""
        wanted = (self.kind, commit)
        requests = ((job, job["request"]) for job in self.service.jobs())
        return next((job for job, at in requests if (at["image"]["repository"], at["commit"]) == wanted), {})

    def told(self, commit: str) -> list[str]:
        """The states of a commit that the forge was told of, one after the other."""
        return [status.state for status in self.forge.statuses if status.commit == commit]

    def begun(self, commit: str) -> None:
        wait_until(lambda: self.job(commit).get("started_at") is not None, seconds=30)

    def wait(self, commit: str, state: str) -> None:
        """Wait until that is what the forge shows of a commit, with a link to its job."""
        wait_until(lambda: self.told(commit)[-1:] == [state], seconds=60)
        links = {status.url for status in self.forge.statuses if status.commit == commit}
        assert links == {f"{self.service.base}/jobs/{self.job(commit)['number']}"}


@pytest.fixture
def watched(service: Service) -> Iterator[dict[Kind, Watched]]:
    """One repository on each kind of forge, all empty yet, which nothing but the forges' calls has looked at."""
    found: dict[Kind, Watched] = {}
    with ExitStack() as stack:
        for kind in get_args(Kind):
            bare = service.bare.with_name(f"{kind}.git")
            service.git.git("init", "-q", "--bare", "-b", "main", str(bare))
            forge = service.forge if kind == "forgejo" else stack.enter_context(serve_forge(kind))
            secret = SIGNING_TOKEN if kind == "gitlab" else HOOK
            found[kind] = Watched(service, kind, secret, bare, service.url.replace("images.git", bare.name), forge)
        service.config["repositories"] = {kind: each.configuration for kind, each in found.items()}
        service.config["secrets"]["signing-token"] = {"env": "SIGNING_TOKEN"}
        yield found


def test_every_forge_calls_and_is_told(service: Service, watched: dict[Kind, Watched]) -> None:
    """A life in the service as it is run: pushes, cancelled jobs, a reload, and an end after draining."""
    service.config["worker"] = {"builds": 4}
    commit = service.git.commit({".packhouse.yaml": "images: {types: [ext4]}\n"}, message="Pack quickly")
    service.start(early=signal.SIGHUP)
    wait_until(lambda: not service.column("SELECT 1 FROM watches WHERE polled_at IS NULL"), seconds=60)
    took = []
    for each in watched.values():
        called = each.push(commit)
        each.begun(commit)
        took.append(each.job(commit)["started_at"] - called)
    assert min(took) < 4, "two seconds, on a machine with nothing else to do"
    assert max(took) < 10
    for kind, each in watched.items():
        running = "running" if kind == "gitlab" else "pending"
        each.wait(commit, "success")
        assert each.told(commit) in (["pending", running, "success"], [running, "success"])
    last = cancelled(service, watched)
    reloaded(service, watched["gitea"])
    drained(service, watched, last)


def cancelled(service: Service, watched: dict[Kind, Watched]) -> str:
    """Cancel one job by hand and one by a newer push; the commit of that, whose job goes on until it is woken."""
    nap, by_hand, superseded = f"sleep {service.bench.nap}", watched["gitlab"], watched["github"]
    hangs = service.commit({"config.sh": f"echo hangs; {nap}\n"})
    by_hand.secret = HOOK  # as a GitLab calls that signs nothing yet
    for each in (by_hand, superseded):
        each.push(hangs)
        each.begun(hangs)
    address = f"{service.base}/api/v1/jobs/{by_hand.job(hangs)['number']}/cancel"
    assert httpx.post(address, headers={"Authorization": f"Bearer {ADMIN}"}).is_success, service.log()
    by_hand.wait(hangs, "canceled")
    last = service.commit({"config.sh": f"echo waits; {nap} || echo woken\n"})
    superseded.push(last)
    superseded.wait(hangs, "error")
    (shown,) = [status for status in superseded.forge.statuses if status.state == "error"]
    assert shown.commit == hangs
    assert shown.description == f"Cancelled: superseded by job {superseded.job(last)['number']}"
    wait_until(service.bench.hangs, seconds=60)
    return last


def reloaded(service: Service, gitea: Watched) -> None:
    """Add a repository while a job runs, and change what waits for the next start."""
    listen, service.config["listen"] = service.config["listen"], "127.0.0.1:1"
    service.config["repositories"]["late"] = {**gitea.configuration, "webhook": None, "status": None}
    service.configure()
    assert service.child is not None
    service.child.send_signal(signal.SIGHUP)
    wait_until(lambda: bool(service.logged("what was changed of these counts at the next start")), seconds=20)
    before, told = service.logged("the configuration was read anew")
    assert (before["added"], before["removed"], before["changed"]) == ([], [], [])
    assert (told["added"], told["removed"], told["changed"]) == (["late"], [], [])
    (told,) = service.logged("what was changed of these counts at the next start")
    assert told["keys"] == ["listen"]
    late = "SELECT number FROM jobs WHERE repository = 'late' AND state = 'done'"
    wait_until(lambda: bool(service.column(late)), seconds=60)
    service.config["listen"] = listen


def drained(service: Service, watched: dict[Kind, Watched], last: str) -> None:
    """End after the job that runs; what is asked for meanwhile waits for the next start."""
    runs, waits = watched["github"], watched["gitea"]
    assert service.child is not None
    service.child.send_signal(signal.SIGUSR1)
    wait_until(lambda: bool(service.logged("the worker drains")), seconds=20)
    waiting = service.commit({"config.sh": "echo ready\n"})
    waits.push(waiting)
    wait_until(lambda: bool(waits.job(waiting)), seconds=30)
    page = httpx.get(f"{service.base}/jobs/{waits.job(waiting)['number']}")
    assert "every worker with the label x86_64 is draining" in page.text
    assert runs.job(last)["state"] == "running"
    assert service.child.poll() is None
    waits.wait(waiting, "pending")
    service.bench.wake()
    assert service.child.wait(60) == 0, service.log()
    assert runs.told(last)[-1] == "success", "before it ended, not at the next start"
    assert service.column("SELECT state FROM jobs WHERE state != 'done' ORDER BY number") == [
        "cancelled", "cancelled", "queued",
    ]  # fmt: skip
    service.start()
    waits.wait(waiting, "success")
    service.stop()
