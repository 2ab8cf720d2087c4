# SPDX-License-Identifier: Apache-2.0
"""Upload one file to S3: in one request, or in parts when it is large; checked on the way and afterwards.

boto3's transfer manager is not used: it has ignored the checksum settings, and its parts differ between runs.
"""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from runner.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from runner.storage.api import Progress
    from runner.storage.s3client import Session

SMALLEST_PART = 16 << 20
_MOST_PARTS = 9000
_AT_ONCE = 3
"""Parts of one file in flight; each is held in memory."""
CACHE_FOR_EVER = "max-age=31536000, immutable"


def part_size(size: int) -> int:
    """Bytes of each part of a file of ``size`` bytes: the same in every run; S3 allows 10,000 parts."""
    return max(SMALLEST_PART, -(-size // _MOST_PARTS))


def content_type(key: str) -> str:
    """Media type of the object at ``key``."""
    if key.endswith(".intoto.jsonl"):
        return "application/vnd.in-toto.bundle"
    return "application/json" if key.endswith(".json") else "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Upload:
    """One file on its way to ``bucket`` and ``key``."""

    session: Session
    bucket: str
    key: str
    path: Path
    sha256: str
    size: int
    progress: Progress

    def run(self) -> None:
        """Send the file. When the outcome is in doubt the caller looks at what is stored.

        Raises:
            IntegrityError: the file is not what its digest says; nothing was stored.
            StorageError: the storage refused or kept failing; parts sent were given back.
        """
        with self.path.open("rb") as file:
            if self.size <= part_size(self.size):
                self._put(file)
            else:
                self._put_parts(file)

    def _put(self, file: IO[bytes]) -> None:
        data = file.read(self.size + 1)
        self.check(len(data), hashlib.sha256(data).hexdigest())
        self.session.call(f"cannot store {self.path.name}", lambda: put(self.session, self.bucket, self.key, data))
        self.progress(self.path.name, self.size, self.size)

    def _put_parts(self, file: IO[bytes]) -> None:
        what = f"cannot store {self.path.name}"
        client = self.session.client
        upload_id = self.session.call(
            what,
            lambda: client.create_multipart_upload(
                Bucket=self.bucket, Key=self.key, ContentType=content_type(self.key), CacheControl=CACHE_FOR_EVER
            ),
        )["UploadId"]
        try:
            parts = _Parts(self, upload_id).send(file)
            self.session.call(
                what,
                lambda: client.complete_multipart_upload(
                    Bucket=self.bucket, Key=self.key, UploadId=upload_id, MultipartUpload={"Parts": parts}
                ),
            )
        except BaseException:
            with suppress(Exception):  # the first error is the one to tell; servers expire forgotten parts
                client.abort_multipart_upload(Bucket=self.bucket, Key=self.key, UploadId=upload_id)
            raise

    def check(self, size: int, sha256: str) -> None:
        """Refuse bytes that are not those promised, before they are made visible."""
        if size != self.size or sha256 != self.sha256:
            raise IntegrityError(
                f"{self.path.name} is not what its digest says",
                why="it changed or was damaged",
                where=str(self.path),
            )


@dataclass(slots=True)
class _Parts:
    """The parts of one upload, a few at once, hashed in order as they are read."""

    upload: Upload
    upload_id: str
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    done: list[CompletedPartTypeDef] = field(default_factory=list)

    def send(self, file: IO[bytes]) -> list[CompletedPartTypeDef]:
        pending: deque[Future[CompletedPartTypeDef]] = deque()
        with ThreadPoolExecutor(_AT_ONCE, "part") as pool:
            try:
                for number, data in self._read(file):
                    pending.append(pool.submit(self._send_part, number, data))
                    if len(pending) >= _AT_ONCE:
                        self.done.append(pending.popleft().result())
                self.done += [each.result() for each in pending]
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return self.done

    def _read(self, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
        length = part_size(self.upload.size)
        total = number = 0
        while data := file.read(length):
            self.digest.update(data)
            total += len(data)
            number += 1
            yield number, data
        self.upload.check(total, self.digest.hexdigest())

    def _send_part(self, number: int, data: bytes) -> CompletedPartTypeDef:
        upload = self.upload
        answer = upload.session.call(
            f"cannot store {upload.path.name}",
            lambda: upload.session.client.upload_part(
                Bucket=upload.bucket,
                Key=upload.key,
                UploadId=self.upload_id,
                PartNumber=number,
                Body=data,
                ContentMD5=base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode(),
            ),
        )
        upload.progress(upload.path.name, len(data), upload.size)
        return {"PartNumber": number, "ETag": answer["ETag"]}


def put(session: Session, bucket: str, key: str, data: bytes) -> None:
    """Create the object in one create-only request, with its SHA-256 for servers that check it."""
    session.client.put_object(
        Bucket=bucket,
        Key=key,
        Body=data,
        IfNoneMatch="*",
        ChecksumSHA256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
        ContentType=content_type(key),
        CacheControl=CACHE_FOR_EVER,
    )
