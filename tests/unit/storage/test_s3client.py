# SPDX-License-Identifier: Apache-2.0
"""What S3's answers mean, how often we ask again, and how long that may take."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from runner.errors import IntegrityError, NotInStorageError, StorageError
from runner.storage.api import TransientStorageError
from runner.storage.backends.s3 import connect
from runner.storage.location import parse_location
from runner.storage.s3client import Limits, RefusedError, Session, open_session
from runner.storage.s3upload import SMALLEST_PART, content_type, part_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FAST = Limits(connect=0.5, read=0.5, pause=0.01)


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Session:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "unit")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-unit-secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return open_session("s3://b", endpoint="http://127.0.0.1:9", region=None, anonymous=False, limits=FAST)


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def refusal(code: str, status: int, message: str = "") -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "PutObject")


def failing(*errors: Exception) -> tuple[Callable[[], str], list[int]]:
    left, calls = list(errors), []

    def request() -> str:
        calls.append(1)
        if left:
            raise left.pop(0)
        return "answer"

    return request, calls


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("NoSuchKey", 404, NotInStorageError),
        ("404", 404, NotInStorageError),
        ("NoSuchBucket", 404, StorageError),
        ("AccessDenied", 403, StorageError),
        ("SignatureDoesNotMatch", 403, StorageError),
        ("PreconditionFailed", 412, RefusedError),
        ("ConditionalRequestConflict", 409, TransientStorageError),
        ("SlowDown", 503, TransientStorageError),
        ("Weird", 500, TransientStorageError),
    ],
)
def test_meaning_of_refusals(session: Session, code: str, status: int, kind: type[StorageError]) -> None:
    known = session.explain("cannot", refusal(code, status, "key canary-unit-secret was used"))
    assert type(known) is kind
    assert "canary" not in str(known)


def test_passing_failures_are_tried_again(session: Session) -> None:
    request, calls = failing(
        refusal("SlowDown", 503), ConnectionResetError("reset"), refusal("InternalError", 500)
    )
    assert session.call("cannot", request) == "answer"
    assert len(calls) == 4


def test_it_gives_up(session: Session) -> None:
    request, calls = failing(*(refusal("SlowDown", 503) for _ in range(20)))
    with pytest.raises(TransientStorageError):
        session.call("cannot", request)
    assert len(calls) == FAST.attempts


@pytest.mark.parametrize("error", [refusal("AccessDenied", 403), refusal("NoSuchBucket", 404), refusal("x", 412)])
def test_refusals_are_not_tried_again(session: Session, error: Exception) -> None:
    request, calls = failing(error)
    with pytest.raises(StorageError):
        session.call("cannot", request)
    assert len(calls) == 1


def test_own_errors_pass_through(session: Session) -> None:
    request, calls = failing(IntegrityError("ours"))
    with pytest.raises(IntegrityError, match="ours"):
        session.call("cannot", request)
    assert len(calls) == 1


@pytest.mark.parametrize("answered", [True, False])
def test_unreachable_servers_fail_soon(silent_server: str, *, answered: bool, session: Session) -> None:
    endpoint = silent_server if answered else "http://127.0.0.1:1"
    storage = connect(parse_location("s3://bucket", endpoint=endpoint), FAST)
    start = time.monotonic()
    with pytest.raises(StorageError, match="AWS_ENDPOINT_URL_S3"):
        storage.head("v1/x")
    assert time.monotonic() - start < 5


def test_bounds_of_the_defaults() -> None:
    limits = Limits()
    assert limits.connect * limits.connect_attempts < 25


@pytest.mark.parametrize("size", [1, SMALLEST_PART, SMALLEST_PART + 1, 10 << 30, 1 << 40, 48 << 40])
def test_parts_are_within_the_limits_of_s3(size: int) -> None:
    part = part_size(size)
    assert part >= SMALLEST_PART
    assert -(-size // part) <= 10_000
    assert part <= 5 << 30 or size > 40 << 40


def test_content_types() -> None:
    assert content_type("v1/attest/sha256/x/1.intoto.jsonl") == "application/vnd.in-toto.bundle"
    assert content_type("v1/format.json") == "application/json"
    assert content_type("v1/blobs/sha256/ab/abcd") == "application/octet-stream"
