# SPDX-License-Identifier: Apache-2.0
"""A bucket of AWS S3 or any compatible server as storage.

Create-only writes need a server that honours ``If-None-Match: *``; publishing proves it before it commits.
"""

from __future__ import annotations

import base64
import re
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypedDict

from runner.digest import CHUNK
from runner.errors import IntegrityError, NotInStorageError, StorageError, UsageError
from runner.storage import keys
from runner.storage.api import ObjectInfo, Progress, TransientStorageError, silent
from runner.storage.s3client import Limits, RefusedError, Session, open_session
from runner.storage.s3upload import Upload, put

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from mypy_boto3_s3.type_defs import HeadObjectOutputTypeDef, ListObjectsV2OutputTypeDef

    from runner.storage.location import Location

_BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,62}")
_PREFIX = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9._-]*/)*")
_SAMPLE = 64 << 10
"""Bytes read back from each end of an object whose server keeps no SHA-256."""
_TRUE = ("1", "true", "yes")


def connect(location: Location, limits: Limits | None = None) -> S3Storage:
    """Return the storage of ``s3://bucket/prefix?endpoint=…&region=…&anonymous=true``.

    Raises:
        UsageError: no bucket, or a prefix that not every server can hold.
    """
    location.allow("endpoint", "region", "anonymous")
    prefix = location.path.strip("/")
    prefix += "/" if prefix else ""
    if not _BUCKET.fullmatch(location.host):
        raise UsageError(f"{location.host!r} cannot be a bucket", hint="write s3://BUCKET/PREFIX")
    if not _PREFIX.fullmatch(prefix) or ".." in prefix:
        raise UsageError(
            f"{prefix!r} cannot be a prefix", hint="use letters, digits, '.', '_', '-' and single '/'"
        )
    url = f"s3://{location.host}/{prefix}".rstrip("/")
    session = open_session(
        url,
        endpoint=location.option("endpoint"),
        region=location.option("region"),
        anonymous=(location.option("anonymous") or "").lower() in _TRUE,
        limits=limits,
    )
    return S3Storage(session, location.host, prefix)


class _GoOn(TypedDict, total=False):
    ContinuationToken: str


class _Span(TypedDict, total=False):
    Range: str


@dataclass(frozen=True, slots=True)
class S3Storage:
    """Storage in ``bucket`` under ``prefix`` (empty, or ending with a slash)."""

    session: Session
    bucket: str
    prefix: str

    @property
    def url(self) -> str:
        return self.session.url

    def put_blob(self, path: Path, sha256: str, size: int, progress: Progress = silent) -> bool:
        key = keys.blob(sha256)
        if self._holds(key, path, sha256, size):
            progress(path.name, size, size)
            return False
        try:
            Upload(self.session, self.bucket, self._key(key), path, sha256, size, progress).run()
        except (RefusedError, TransientStorageError, NotInStorageError) as error:
            # time-out, reset, 412, 409, NoSuchUpload alike: another attempt or publisher may have made it
            return self._settle(key, path, sha256, size, error)
        if not self._holds(key, path, sha256, size):
            raise StorageError(f"{key} is not there after it was stored", where=self.url, hint="publish again")
        return True

    def put_if_absent(self, key: str, data: bytes) -> bool:
        full, what = self._key(key), f"cannot store {key}"
        doubtful = False

        def attempt() -> bool:
            nonlocal doubtful
            try:
                put(self.session, self.bucket, full, data)
            except Exception as error:
                if isinstance(self.session.explain(what, error), RefusedError):
                    return False
                doubtful = doubtful or _in_doubt(error)
                raise
            return True

        created = self.session.call(what, attempt)
        # an attempt without an answer may have been the one that created it
        return created or (doubtful and self.get(key, len(data)) == data)

    def get(self, key: str, max_bytes: int) -> bytes:
        def attempt() -> bytes:
            answer = self.session.client.get_object(Bucket=self.bucket, Key=self._key(key))
            with answer["Body"] as body:
                if answer["ContentLength"] > max_bytes:
                    raise IntegrityError(f"{key} is larger than {max_bytes} bytes", where=self.url)
                return body.read()

        return self.session.call(f"cannot read {key}", attempt)

    def head(self, key: str) -> ObjectInfo | None:
        try:
            answer = self.session.call(f"cannot look at {key}", lambda: self._head(key))
        except NotInStorageError:
            return None
        return ObjectInfo(key, answer["ContentLength"], _hexadecimal(answer.get("ChecksumSHA256")))

    def list(self, folder: str) -> Iterator[str]:
        start = self._key(folder.rstrip("/")) + "/"
        token: str | None = None
        while True:
            page = self.session.call(f"cannot list {folder}", partial(self._page, start, token))
            for entry in page.get("Contents", ()):
                if name := entry["Key"].removeprefix(start):
                    yield name
            yield from (entry["Prefix"].removeprefix(start) for entry in page.get("CommonPrefixes", ()))
            token = page.get("NextContinuationToken")
            if not token:
                return

    def stream(self, key: str, offset: int = 0) -> Generator[bytes, None, None]:
        what = f"cannot read {key}"
        span: _Span = {"Range": f"bytes={offset}-"} if offset else {}
        answer = self.session.call(
            what, lambda: self.session.client.get_object(Bucket=self.bucket, Key=self._key(key), **span)
        )
        ranged = answer["ResponseMetadata"]["HTTPStatusCode"] == 206  # noqa: PLR2004 - HTTP: Partial Content
        skip = 0 if ranged else offset  # some servers ignore ranges and send the whole
        with answer["Body"] as body:
            while True:
                try:
                    piece = body.read(CHUNK)
                except Exception as error:
                    raise self.session.explain(what, error) from error
                if not piece:
                    return
                if kept := piece[skip:]:
                    yield kept
                skip = max(0, skip - len(piece))

    def _key(self, key: str) -> str:
        return self.prefix + keys.checked_key(key)

    def _head(self, key: str) -> HeadObjectOutputTypeDef:
        return self.session.client.head_object(Bucket=self.bucket, Key=self._key(key), ChecksumMode="ENABLED")

    def _page(self, start: str, token: str | None) -> ListObjectsV2OutputTypeDef:
        go_on: _GoOn = {"ContinuationToken": token} if token else {}
        return self.session.client.list_objects_v2(Bucket=self.bucket, Prefix=start, Delimiter="/", **go_on)

    def _holds(self, key: str, path: Path, sha256: str, size: int) -> bool:
        """Whether the blob is stored, as far as the server can tell without sending all of it back.

        Raises:
            IntegrityError: something else is stored under its digest.
        """
        known = self.head(key)
        if known is None:
            return False
        right = known.size == size
        if right and known.sha256 is not None:
            right = known.sha256 == sha256
        elif right:
            right = all(
                self._sample(key, offset) == _local(path, offset) for offset in {0, max(0, size - _SAMPLE)}
            )
        if not right:
            raise IntegrityError(
                f"{key} is in the storage with other bytes",
                where=self.url,
                hint="the storage is damaged or was tampered with: remove this object, then publish again",
            )
        return True

    def _sample(self, key: str, offset: int) -> bytes:
        data = b""
        with closing(self.stream(key, offset)) as pieces:
            for piece in pieces:
                data += piece
                if len(data) >= _SAMPLE:
                    break
        return data[:_SAMPLE]

    def _settle(self, key: str, path: Path, sha256: str, size: int, error: StorageError) -> bool:
        """Decide an upload whose outcome is in doubt by what is stored now."""
        if isinstance(error, NotInStorageError):  # NoSuchUpload: completed by an attempt whose answer was lost
            error = StorageError(error.what, where=self.url, why="the upload was ended by somebody else")
        if self._holds(key, path, sha256, size):
            return True
        raise error


def _local(path: Path, offset: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(_SAMPLE)


def _hexadecimal(checksum: str | None) -> str | None:
    """Convert S3's base64 SHA-256; a composite one (of parts, with ``-N``) says nothing of the whole."""
    if checksum is None or "-" in checksum:
        return None
    return base64.b64decode(checksum).hex()


def _in_doubt(error: Exception) -> bool:
    """Whether the request may have been carried out although it failed."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return True
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)) >= 500  # noqa: PLR2004 - HTTP
