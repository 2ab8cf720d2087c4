# SPDX-License-Identifier: Apache-2.0
"""Fetching locked packages from real servers: right bytes in the store, or one clear error and nothing."""

from __future__ import annotations

import http.server
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from runner.digest import sha256_bytes
from runner.errors import FetchError, IntegrityError, NotInStorageError
from runner.packages.fetch import BlobSource, Fetcher, Progress
from runner.packages.lock import Lock, LockedPackage, LockedRepository, Solver
from runner.packages.mirrors import Mirrors
from runner.store import BlobStore

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration

FILES = {f"pool/p{number}+x.deb": f"package {number}".encode() * (number * 1000 + 1) for number in range(40)}


class Server(http.server.BaseHTTPRequestHandler):
    """Serves FILES; what it does wrong is set on a subclass."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[str]]
    fail_first: ClassVar[int] = 0
    change: ClassVar[bytes] = b""
    status: ClassVar[int] = 200
    cut: ClassVar[bool] = False

    def do_GET(self) -> None:
        from urllib.parse import unquote

        name = unquote(self.path).removeprefix("/debian/")
        type(self).asked.append(name)
        tries = self.asked.count(name)
        data = FILES.get(name)
        status = 404 if data is None else self.status if self.status != 200 or tries > self.fail_first else 503
        body = b"" if data is None or status != 200 else data + self.change
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.cut and tries == 1:
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        pass


@contextmanager
def serving(**faults: object) -> Iterator[tuple[str, list[str]]]:
    handler = type("Handler", (Server,), {"asked": [], **faults})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/debian", handler.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


def lock_of(names: list[str]) -> Lock:
    packages = tuple(
        LockedPackage(
            name=Path(name).stem,
            version="1",
            arch="all",
            repository="main",
            path=name,
            sha256=sha256_bytes(FILES.get(name, b"")),
            size=len(FILES.get(name, b"")),
            source="s",
            phase="image",
            reason="requested",
        )
        for name in names
    )
    repository = LockedRepository(
        id="main",
        uri="mirror://debian",
        distribution="x",
        components=("main",),
        index="",
        date="",
        keys=(),
        verified=True,
    )
    solver = Solver(name="apt", version="1", recommends=False)
    return Lock(
        request="",
        description="",
        arch="x86_64",
        epoch=0,
        solver=solver,
        toolchain=(),
        repositories=(repository,),
        packages=packages,
    )


def fetcher(tmp_path: Path, url: str, *storages: BlobSource) -> Fetcher:
    blobs = BlobStore(tmp_path / "blobs", tmp_path / "staging")
    return Fetcher(blobs, Mirrors(given={"debian": url}), tmp_path, storages)


def test_every_file_is_fetched_once_and_never_again(tmp_path: Path) -> None:
    seen: list[Progress] = []
    with serving() as (url, asked):
        lock = lock_of(list(FILES))
        files = fetcher(tmp_path, url).fetch(lock, seen.append)
        assert [file.path.read_bytes() for file in files] == list(FILES.values())
        fetcher(tmp_path, url).fetch(lock)
    assert sorted(asked) == sorted(FILES)
    assert seen[-1].files == seen[-1].of_files == len(FILES)


def test_a_busy_or_cutting_server_is_asked_again(tmp_path: Path) -> None:
    name = "pool/p7+x.deb"
    with serving(fail_first=2) as (url, asked):
        fetcher(tmp_path, url).fetch(lock_of([name]))
        assert asked == [name] * 3
    with serving(cut=True) as (url, asked):
        fetcher(tmp_path / "other", url).fetch(lock_of([name]))
        assert asked == [name] * 2


def test_other_bytes_under_the_name_are_refused(tmp_path: Path) -> None:
    with serving(change=b"!") as (url, _), pytest.raises(IntegrityError, match=r"p3\+x 1"):
        fetcher(tmp_path, url).fetch(lock_of(["pool/p3+x.deb"]))
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_package_that_left_the_mirror_names_the_refresh_command(tmp_path: Path) -> None:
    with serving() as (url, asked), pytest.raises(FetchError, match="no source has it any more") as caught:
        fetcher(tmp_path, url).fetch(lock_of(["pool/gone.deb"]))
    assert "--update" in (caught.value.hint or "")
    assert asked == ["pool/gone.deb"]


def test_a_refusing_server_is_one_error_without_credentials(tmp_path: Path) -> None:
    with serving(status=403) as (url, _):
        secret = url.replace("http://", "http://user:canary@")
        with pytest.raises(FetchError, match="cannot fetch") as caught:
            fetcher(tmp_path, secret).fetch(lock_of(["pool/p1+x.deb"]))
    assert "403" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_nobody_listening_is_a_fetch_error(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="cannot fetch"):
        fetcher(tmp_path, "http://127.0.0.1:9/debian").fetch(lock_of(["pool/p1+x.deb"]))


def test_our_own_storage_comes_before_the_mirror(tmp_path: Path) -> None:
    name = "pool/p5+x.deb"

    def storage(sha256: str, size: int) -> Iterator[bytes]:
        assert (sha256, size) == (sha256_bytes(FILES[name]), len(FILES[name]))
        yield FILES[name]

    with serving() as (url, asked):
        fetcher(tmp_path, url, storage).fetch(lock_of([name]))
    assert asked == []


def test_storages_are_asked_in_their_order(tmp_path: Path) -> None:
    name = "pool/p5+x.deb"
    asked: list[str] = []

    def empty(_sha256: str, _size: int) -> Iterator[bytes]:
        asked.append("empty")
        yield from ()
        raise NotInStorageError("not mirrored")

    def damaged(_sha256: str, _size: int) -> Iterator[bytes]:
        asked.append("damaged")
        yield b"other bytes"

    def good(_sha256: str, _size: int) -> Iterator[bytes]:
        asked.append("good")
        yield FILES[name]

    fetcher(tmp_path, "http://127.0.0.1:9/debian", empty, damaged, good).fetch(lock_of([name]))
    assert asked == ["empty", "damaged", "good"]


@pytest.mark.parametrize("damage", [b"", b"other bytes"])
def test_a_storage_without_or_with_a_damaged_copy_is_no_obstacle(tmp_path: Path, damage: bytes) -> None:
    def storage(_sha256: str, _size: int) -> Iterator[bytes]:
        if not damage:
            raise NotInStorageError("not mirrored")
        yield damage

    with serving() as (url, asked):
        fetcher(tmp_path, url, storage).fetch(lock_of(["pool/p5+x.deb"]))
    assert asked == ["pool/p5+x.deb"]


def test_a_local_repository_is_read_from_disk(tmp_path: Path) -> None:
    for name, data in list(FILES.items())[:3]:
        (tmp_path / "repo" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repo" / name).write_bytes(data)
    names = list(FILES)[:3]
    files = fetcher(tmp_path, f"file://{tmp_path}/repo").fetch(lock_of(names))
    assert [file.path.read_bytes() for file in files] == [FILES[name] for name in names]
