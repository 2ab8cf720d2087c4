# SPDX-License-Identifier: Apache-2.0
"""The boto3 client: how it is configured, how long it may take, and what its errors mean to a user.

boto3's own retries are off: a retry that hides a first success would turn our create-only writes into false
refusals. Ours know that (see :meth:`Session.call`).
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from runner.errors import NotInStorageError, StorageError, UsageError
from runner.redact import Redactor
from runner.storage.api import TransientStorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3.client import S3Client

Answer = TypeVar("Answer")

_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_PASSING = frozenset(
    {"SlowDown", "Throttling", "RequestLimitExceeded", "RequestTimeout", "InternalError", "OperationAborted"}
)
_HTTP_PASSING = frozenset({409, 429, 500, 502, 503, 504})
_CREDENTIALS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile named by AWS_PROFILE"
_HINTS = {
    "NoSuchBucket": "create the bucket first, or correct its name in the URL",
    "InvalidBucketName": "correct the name of the bucket in the URL",
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "AccessDenied": "these credentials may not do that: allow s3:GetObject, s3:PutObject and s3:ListBucket",
    "403": "these credentials may not do that: allow s3:GetObject, s3:PutObject and s3:ListBucket",
    "ExpiredToken": "get new credentials, then run the same command again",
    "RequestTimeTooSkewed": "set this machine's clock",
    "PermanentRedirect": "name the bucket's region: add ?region=NAME to the URL",
    "AuthorizationHeaderMalformed": "name the bucket's region: add ?region=NAME to the URL",
    "NotImplemented": "this S3 server lacks what publishing needs: create-only writes (If-None-Match)",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request: seconds to connect and between two reads, attempts, seconds of the first pause.

    An endpoint that does not answer at all is tried ``connect_attempts`` times only.
    """

    connect: float = 5.0
    read: float = 30.0
    attempts: int = 5
    connect_attempts: int = 2
    pause: float = 0.3


@dataclass(frozen=True, slots=True)
class Session:
    """A client and what is needed to speak of it. ``url`` is for messages."""

    client: S3Client
    url: str
    redact: Redactor = field(repr=False)  # it holds the secrets
    limits: Limits = field(default_factory=Limits)

    def call(self, what: str, request: Callable[[], Answer]) -> Answer:
        """Run ``request``, again after failures that may pass.

        Raises:
            RefusedError: a precondition did not hold (412).
            NotInStorageError: no such object.
            StorageError: anything else, with a hint.
        """
        failures = 0
        while True:
            try:
                return request()
            except Exception as error:
                failures += 1
                known = self.explain(what, error)
                most = self.limits.connect_attempts if _never_answered(error) else self.limits.attempts
                if not isinstance(known, TransientStorageError) or failures >= most:
                    raise known from error
            time.sleep(min(self.limits.pause * 2 ** (failures - 1), 5.0) * random.uniform(0.5, 1))  # noqa: S311 - jitter

    def explain(self, what: str, error: Exception) -> StorageError:
        """Say what a boto3 error means; programming errors pass through."""
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            HTTPClientError,
            IncompleteReadError,
        )
        from botocore.exceptions import (
            ConnectionError as NoConnectionError,
        )

        if isinstance(error, StorageError):
            return error
        if isinstance(error, ClientError):
            return self._refusal(what, error.response)
        if isinstance(error, (HTTPClientError, NoConnectionError, IncompleteReadError, OSError)):
            return self._network(what, error)
        if isinstance(error, BotoCoreError):
            missing = "Credentials" in type(error).__name__
            return StorageError(
                what, where=self.url, why=self.redact(str(error)), hint=_CREDENTIALS if missing else None
            )
        raise error

    def _refusal(self, what: str, response: Any) -> StorageError:
        code = str(response.get("Error", {}).get("Code", "?"))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        why = self.redact(f"{code}: {response.get('Error', {}).get('Message', '')}".rstrip(": "))
        if code in _MISSING:
            return NotInStorageError(what, where=self.url, why="there is no such object")
        if status == 412 or code == "PreconditionFailed":  # noqa: PLR2004 - HTTP
            return RefusedError(what, where=self.url, why=why)
        if code in _PASSING or status in _HTTP_PASSING:
            return TransientStorageError(what, where=self.url, why=why, hint="try again later")
        return StorageError(what, where=self.url, why=why, hint=_HINTS.get(code))

    def _network(self, what: str, error: Exception) -> StorageError:
        from botocore.exceptions import SSLError

        why = self.redact(str(error))
        if isinstance(error, SSLError):
            hint = "check the endpoint's certificate; name your own authority with AWS_CA_BUNDLE"
            return StorageError(what, where=self.url, why=why, hint=hint)
        hint = "check the endpoint (AWS_ENDPOINT_URL_S3, ?endpoint=) and the network"
        return TransientStorageError(what, where=self.url, why=why, hint=hint)


class RefusedError(StorageError):
    """The server refused a conditional request (412)."""


def open_session(
    url: str, *, endpoint: str | None, region: str | None, anonymous: bool, limits: Limits | None = None
) -> Session:
    """Make a client for ``endpoint`` (None: as the environment says, else AWS). Connects to nothing.

    Raises:
        UsageError: the endpoint is no URL.
        StorageError: the AWS configuration of this user is broken.
    """
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    limits = limits or Limits()
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
    if endpoint and (not endpoint.startswith(("http://", "https://")) or "@" in endpoint):
        raise UsageError("the S3 endpoint must be an http:// or https:// URL without credentials")
    config = Config(
        connect_timeout=limits.connect,
        read_timeout=limits.read,
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=16,
        # many compatible servers refuse the CRC headers that boto3 adds by itself; we send SHA-256 ourselves
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if endpoint else "auto"},
        signature_version=UNSIGNED if anonymous else None,
    )
    try:
        session = boto3.session.Session()
        region = region or session.region_name or "us-east-1"
        client = session.client("s3", endpoint_url=endpoint, region_name=region, config=config)
        credentials = None if anonymous else session.get_credentials()
    except (BotoCoreError, ValueError) as error:
        raise StorageError("cannot set up S3", where=url, why=str(error), hint="check ~/.aws/config") from error
    secrets = [credentials.access_key, credentials.secret_key, credentials.token] if credentials else []
    return Session(client, url, Redactor.of(secrets), limits)


def _never_answered(error: Exception) -> bool:
    from botocore.exceptions import (
        ConnectTimeoutError,
        EndpointConnectionError,
        ProxyConnectionError,
        ReadTimeoutError,
    )

    return isinstance(
        error, (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, ReadTimeoutError)
    )
