# SPDX-License-Identifier: Apache-2.0
"""``packhouse serve`` as it is run: a push over HTTP becomes a signed release in S3, and the forge hears of it."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from runner.storage import catalog
from runner.storage.location import open_storage
from tests.e2e.conftest import BUCKET, PASSPHRASE
from tests.support.apt_repo import build_deb
from tests.support.bench import processes_of, wait_until
from tests.support.deliveries import push_body, signed_push
from tests.support.forge import PROJECT as FORGE_PROJECT
from tests.support.forge import TOKEN, FakeForge, serve_forge
from tests.support.git_http import serve_git
from tests.support.git_repo import GitRepo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import KeyPair
    from tests.support.bench import Bench
    from tests.support.s3 import S3Address

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

HOOK = "canary-hook-secret"
ADMIN = "canary-admin-token"
CONTEXT = "packhouse/tiny:image:squashfs:x86_64"


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

    def start(self) -> None:
        file = self.bench.base / "packhouse.yaml"
        file.write_text(yaml.safe_dump(self.config))
        command = self.bench.command.with_env(
            **self.bench.setup.environment,
            CANARY_HOOK=HOOK,
            CANARY_ADMIN=ADMIN,
            CANARY_FORGE=TOKEN,
            CANARY_KEY=PASSPHRASE,
            CANARY_S3=self.s3.secret_key,
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

    def push(self, files: dict[str, str]) -> str:
        commit = self.git.commit({f"image/{name}": text for name, text in files.items()})
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

    def log(self) -> str:
        return (self.bench.base / "serve.log").read_text()[-6000:]


@pytest.fixture
def service(bench: Bench, s3: S3Address, key: KeyPair) -> Iterator[Service]:
    git = GitRepo.create(bench.base / "work")
    bench.setup.description.rename(git.path / "image")
    git.commit(message="Begin")
    bare = bench.base / "git/images.git"
    git.git("clone", "-q", "--bare", str(git.path), str(bare))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serve_git(bare.parent) as url, serve_forge("forgejo") as forge:
        made = Service(
            bench=bench, git=git, bare=bare, url=f"{url}/images.git", forge=forge, s3=s3,
            prefix=bench.base.name, port=port,
        )  # fmt: skip
        secrets = {"hook": "CANARY_HOOK", "admin": "CANARY_ADMIN", "forge": "CANARY_FORGE", "key": "CANARY_KEY"}
        made.config = {
            "state": str(bench.base / "state"),
            "listen": f"127.0.0.1:{port}",
            "public_url": made.base,
            "secrets": {name: {"env": value} for name, value in {**secrets, "s3": "CANARY_S3"}.items()},
            "tokens": {"admin": {"secret": "admin", "role": "admin"}},
            "destinations": {
                "images": {
                    "url": made.storage,
                    "environment": {"AWS_SECRET_ACCESS_KEY": "s3"},
                    "settings": {
                        name: value for name, value in s3.environment().items() if name != "AWS_SECRET_ACCESS_KEY"
                    },
                    "channels": {"main": "edge"},
                    "sign": {"key": str(key.private), "passphrase": "key"},
                }
            },
            "repositories": {
                "tiny": {
                    "url": made.url,
                    "images": {"types": ["squashfs"]},
                    "destination": "images",
                    "poll": "2s",
                    "webhook": {"forge": "forgejo", "secrets": ["hook"]},
                    "status": {"forge": "forgejo", "project": FORGE_PROJECT, "token": "forge", "api": forge.api},
                    "schedules": [{"nightly": True}],
                }
            },
        }
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
    time.sleep(6)
    assert len(service.jobs()) == 2

    # a webhook hastens what a poll would find, and is the only thing that does within this test's patience
    service.config["repositories"]["tiny"]["poll"] = "1h"
    (service.bench.base / "packhouse.yaml").write_text(yaml.safe_dump(service.config))
    assert service.child is not None
    service.child.send_signal(signal.SIGHUP)
    time.sleep(5)
    commit = service.push({"root/etc/motd": "Hello again\n"})
    body = push_body("forgejo", service.url)
    headers = [(name.decode(), value.decode()) for name, value in signed_push("forgejo", HOOK, body)]
    assert httpx.post(f"{service.base}/hooks/tiny", content=body, headers=headers).status_code == 202
    wait_until(lambda: service.job_of(commit) is not None, seconds=20)
    assert service.ended(commit)["state"] == "done", service.log()

    canaries = (HOOK, ADMIN, TOKEN, PASSPHRASE, service.s3.secret_key)
    said = (service.bench.base / "serve.log").read_text()
    said += "".join(httpx.get(f"{service.base}/api/v1/jobs/{job['number']}/log").text for job in service.jobs())
    assert not [canary for canary in canaries if canary in said]
    service.stop()


def test_a_nightly_build_is_made_when_packages_moved(service: Service, key: KeyPair, tmp_path: Path) -> None:
    service.start()
    head = service.git.git("rev-parse", "HEAD")
    wait_until(lambda: service.job_of(head) is not None, seconds=30)
    service.ended(head)

    def nightly() -> dict[str, Any]:
        known = len(service.jobs())
        url, headers = f"{service.base}/api/v1/schedules/tiny/nightly/run", {"Authorization": f"Bearer {ADMIN}"}
        answer = httpx.post(url, headers=headers, timeout=60)
        assert answer.is_success, answer.text
        wait_until(lambda: len(service.jobs()) == known + 1, seconds=30)
        wait_until(lambda: service.jobs()[0]["state"] in {"done", "failed"}, seconds=120)
        return service.jobs()[0]

    assert nightly()["state"] == "done", service.log()
    assert list(fetched(service, "tiny:nightly", key, "one").glob("*.squashfs"))
    again = nightly()
    assert again["result"]["unchanged"] is True
    setup = service.bench.setup
    content = tmp_path / "hello"
    (content / "usr/share/hello").mkdir(parents=True)
    (content / "usr/share/hello/greeting").write_text("hello again\n")
    setup.repo.add(build_deb(tmp_path, "hello", content, version="2.0", Depends="dpkg"))
    setup.repo.write(setup.signer)
    moved = nightly()
    assert moved["result"]["unchanged"] is False
    assert moved["result"]["number"] == 2
    page = httpx.get(f"{service.base}/jobs/{moved['number']}").text
    assert "hello" in page
    assert "2.0" in page


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
