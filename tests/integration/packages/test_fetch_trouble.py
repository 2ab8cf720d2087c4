# SPDX-License-Identifier: Apache-2.0
"""Redirects, logins, proxies, local faults and interruption while packages are fetched."""

from __future__ import annotations

import base64
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import msgspec
import pytest

from runner.digest import sha256_bytes
from runner.errors import FetchError, HostError
from runner.packages.credentials import Credentials, Login
from runner.packages.fetch import Fetcher
from runner.packages.lock import Lock, LockedPackage, LockedRepository, Solver
from runner.packages.mirrors import Mirrors
from runner.store import BlobStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration

DATA = b"a package" * 1000


class Server(http.server.BaseHTTPRequestHandler):
    """Answers ``/file`` with DATA, and whatever stands in ``redirects`` with a redirect."""

    redirects: ClassVar[dict[str, str]]
    asked: ClassVar[list[tuple[str, str, str]]]
    needs: ClassVar[str] = ""

    def do_GET(self) -> None:
        login = self.headers.get("Authorization", "")
        self.asked.append((self.path, login, self.headers.get("Proxy-Authorization", "")))
        target = self.redirects.get(self.path)
        status = 302 if target else 401 if self.needs and login != self.needs else 200
        body = DATA if status == 200 else b""
        self.send_response(status)
        if target:
            self.send_header("Location", target)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(
    redirects: dict[str, str] | None = None, needs: str = ""
) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    handler = type("Handler", (Server,), {"asked": [], "redirects": redirects or {}, "needs": needs})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", handler.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


def lock_of(uri: str, path: str = "file") -> Lock:
    package = LockedPackage(
        name="p",
        version="1",
        arch="all",
        repository="main",
        path=path,
        sha256=sha256_bytes(DATA),
        size=len(DATA),
        source="p",
        phase="image",
        reason="requested",
    )
    repository = LockedRepository(
        id="main", uri=uri, distribution="x", components=("main",), index="", date="", keys=(), verified=True
    )
    return Lock(
        request="",
        description="",
        arch="x86_64",
        epoch=0,
        solver=Solver(name="apt", version="1", recommends=False),
        toolchain=(),
        repositories=(repository,),
        packages=(package,),
    )


def fetch(tmp_path: Path, uri: str, credentials: Credentials | None = None, path: str = "file") -> bytes:
    blobs = BlobStore(tmp_path / "blobs", tmp_path / "staging")
    fetcher = Fetcher(blobs, Mirrors(), tmp_path, credentials=credentials or Credentials())
    (file,) = fetcher.fetch(lock_of(uri, path))
    return file.path.read_bytes()


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_redirects_are_followed_five_times_and_no_further(tmp_path: Path) -> None:
    hops = {f"/{n}": f"/{n - 1}" for n in range(1, 7)} | {"/1": "/file"}
    with serving(hops) as (url, asked):
        assert fetch(tmp_path, url, path="5") == DATA
        assert len(asked) == 6
        with pytest.raises(FetchError, match="cannot fetch") as caught:
            fetch(tmp_path / "other", url, path="6")
    assert "redirects" in str(caught.value)


@pytest.mark.parametrize("target", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://[half"])
def test_redirects_to_other_schemes_are_refused(tmp_path: Path, target: str) -> None:
    with serving({"/a": target}) as (url, _), pytest.raises(FetchError) as caught:
        fetch(tmp_path, url, path="a")
    assert "redirects" in str(caught.value)


def test_a_login_is_shown_to_its_own_server_alone(tmp_path: Path) -> None:
    credentials = Credentials(
        {"PACKHOUSE_REPOSITORY_MAIN_USERNAME": "u", "PACKHOUSE_REPOSITORY_MAIN_PASSWORD": "canary"}
    )
    with serving() as (other, seen), serving({"/a": f"{other.replace('://', '://x:y@')}/file"}) as (url, asked):
        assert fetch(tmp_path, url, credentials, path="a") == DATA
    assert asked == [("/a", basic("u:canary"), "")]
    assert seen == [("/file", "", "")]


@pytest.mark.parametrize("where", ["environment", "address", "description"])
def test_logins_open_a_repository(tmp_path: Path, where: str) -> None:
    with serving(needs=basic("u:pw")) as (url, _):
        env = {"PACKHOUSE_REPOSITORY_MAIN_USERNAME": "u", "PACKHOUSE_REPOSITORY_MAIN_PASSWORD": "pw"}
        written = {("", url): Login("u", "pw")} if where == "description" else {}
        credentials = Credentials(env if where == "environment" else {}, written)
        uri = url.replace("://", "://u:pw@") if where == "address" else url
        assert fetch(tmp_path, uri, credentials) == DATA
        with pytest.raises(FetchError, match="cannot fetch") as caught:
            fetch(tmp_path / "other", url)
    assert "PACKHOUSE_REPOSITORY" in str(caught.value)


def test_a_proxy_is_asked_and_gets_its_own_login(tmp_path: Path) -> None:
    with serving() as (proxy, asked):
        env = {"http_proxy": proxy.replace("://", "://me:secret@")}
        assert fetch(tmp_path, "http://repository.invalid/debian", Credentials(env)) == DATA
        assert asked == [("http://repository.invalid/debian/file", "", basic("me:secret"))]
        env["no_proxy"] = "127.0.0.1"
        with serving() as (url, direct):
            fetch(tmp_path / "other", url, Credentials(env))
    assert direct == [("/file", "", "")]
    assert len(asked) == 1


def test_a_file_of_this_machine_that_cannot_be_read_does_not_blame_the_store(tmp_path: Path) -> None:
    (tmp_path / "repo/file").mkdir(parents=True)  # reading it fails for root too
    with pytest.raises(FetchError, match="cannot read p 1") as caught:
        fetch(tmp_path, f"file://{tmp_path}/repo")
    assert caught.value.where == str(tmp_path / "repo/file")


def test_a_store_that_cannot_be_written_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "blobs").symlink_to("/proc/self/task")  # not writable for root either
    with serving() as (url, _), pytest.raises((HostError, FetchError)) as caught:
        fetch(tmp_path, url)
    assert "internal" not in str(caught.value)


def test_present_files_are_marked_as_used(tmp_path: Path) -> None:
    with serving() as (url, _):
        fetch(tmp_path, url)
        (blob,) = (tmp_path / "blobs/sha256").glob("*/*")
        os.utime(blob, (1, 1))
        fetch(tmp_path, url)
    assert time.time() - blob.stat().st_mtime < 60


INTERRUPTED = """
import sys
from pathlib import Path
import msgspec
from runner.packages.fetch import Fetcher
from runner.packages.lock import Lock
from runner.packages.mirrors import Mirrors
from runner.store import BlobStore
place = Path(sys.argv[1])
fetcher = Fetcher(BlobStore(place / "blobs", place / "staging"), Mirrors(), place)
print("ready", flush=True)
fetcher.fetch(msgspec.json.decode((place / "lock").read_bytes(), type=Lock))
"""


def test_an_interrupted_fetch_ends_at_once(tmp_path: Path) -> None:
    waiting = threading.Event()
    go = threading.Event()

    class Stalling(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            waiting.set()
            go.wait(60)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "lock").write_bytes(msgspec.json.encode(lock_of(f"http://127.0.0.1:{server.server_port}")))
    child = subprocess.Popen([sys.executable, "-c", INTERRUPTED, tmp_path], stderr=subprocess.PIPE)
    try:
        assert waiting.wait(20)
        start = time.monotonic()
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=20)
        assert time.monotonic() - start < 5
    finally:
        child.kill()
        child.wait()
        go.set()
        server.shutdown()
        server.server_close()
