# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL server for tests, on a loopback port, gone with whoever started it.

``PostgresServer`` is one server of one's own, about two seconds; ``kill`` and ``start`` play a crash. Tests share
one for their process through the fixture ``postgres`` of tests/unit/service and take a database each::

    with PostgresServer() as server, server.database() as url:
        engine = open_database(database_url(url, state))
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = "packhouse"
PASSWORD = "canary-Pg7+secret/word"
_QUOTED_PASSWORD = "canary-Pg7%2Bsecret%2Fword"
_ORDINARY_USER = "postgres"
_READY = 30.0
_HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
_SETTINGS = {
    "shared_buffers": "32MB",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "timezone": "UTC",
}


class PostgresServer:
    """One server in a temporary folder of its own; only who knows the password may come in. A context manager.

    ``durable``: what is committed is on the disk, as it would be in earnest, and tables are looked after.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._settings = _SETTINGS if durable else {**_SETTINGS, **_HASTY}
        self._folder = Path(tempfile.mkdtemp(prefix="packhouse-pg-", dir="/tmp"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Self:
        try:
            self._create()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    @property
    def pid(self) -> int | None:
        """The first process of the server, which starts all others."""
        return self._process.pid if self._process else None

    def url(self, database: str = "postgres") -> str:
        """How ``packhouse.yaml`` names a database here, the password in it."""
        return f"postgresql://{USER}:{_QUOTED_PASSWORD}@127.0.0.1:{self.port}/{database}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database; yields its URL, and drops it at the end whoever is still connected."""
        name = f"test_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)

    def start(self) -> None:
        """Start the server, at the first time on a free port, and on the same one after ``kill`` or ``stop``."""
        for _ in range(1 if self.port else 3):  # a free port may be taken before the server binds it
            port = self.port or _free_port()
            if self._start(port):
                return
        raise RuntimeError(
            f"PostgreSQL did not start: {(self._folder / 'log').read_text(errors='replace')[-2000:]}"
        )

    def stop(self) -> None:
        """Have the server drop all connections and end as it should."""
        if self._process is not None:
            self._process.send_signal(2)
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End the server and all it started at once, as a crash would; ``start`` then recovers."""
        if self._process is not None:
            self._process.send_signal(3)
            self._process.wait()
            self._process = None

    def _create(self) -> None:
        password = self._folder / "password"
        password.write_text(PASSWORD)
        if os.geteuid() == 0:  # PostgreSQL refuses to be root
            owner = pwd.getpwnam(_ORDINARY_USER)
            for path in (self._folder, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        options = ("--auth=scram-sha-256", f"--username={USER}", f"--pwfile={password}", "--encoding=UTF8")
        data = f"--pgdata={self._folder / 'data'}"
        made = subprocess.run(
            [*_as_ordinary_user(), _program("initdb"), *options, "--locale=C", "--no-sync", data],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")

    def _start(self, port: int) -> bool:
        settings = [f"--{name}={value}" for name, value in {**self._settings, "port": str(port)}.items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_ordinary_user(), _program("postgres"), "-D", str(self._folder / "data"), *settings],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _READY
        while time.monotonic() < deadline and self._process.poll() is None:
            self.port = port
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        self.stop()
        self.port = 0
        return False


def _as_ordinary_user() -> tuple[str, ...]:
    """Let what follows end with this process, and be somebody else where we are root."""
    dies_with_us = ("setpriv", "--pdeathsig", "INT")
    if os.geteuid() != 0:
        return (*dies_with_us, "--")
    return (*dies_with_us, f"--reuid={_ORDINARY_USER}", f"--regid={_ORDINARY_USER}", "--clear-groups", "--")


def _program(name: str) -> str:
    """The newest of Debian's, which are not in the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise RuntimeError(f"the program {name} is missing: install postgresql")
    return program


def _free_port() -> int:
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return int(each.getsockname()[1])
