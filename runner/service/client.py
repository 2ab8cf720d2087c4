# SPDX-License-Identifier: Apache-2.0
"""Speak to a runner over its HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import urllib3

from runner.errors import HostError, PackhouseError, UsageError
from runner.redact import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Answer = TypeVar("Answer")

_TIMEOUT = urllib3.Timeout(connect=10, read=900)
"""Looking through a commit that is to be built by hand takes its time."""

_LARGEST = 64 << 20


class ServerError(PackhouseError):
    """The runner said no; ``kind`` is the one it gave."""

    exit_code = 1

    def __init__(self, kind: str, what: str, *, why: str, hint: str) -> None:
        super().__init__(what, why=why or None, hint=hint or None)
        self.answered = kind


class Client:
    """The runner at ``url``; ``token`` may be empty for what only reads."""

    def __init__(self, url: str, token: str) -> None:
        if not url.startswith(("http://", "https://")) or strip_credentials(url) != url:
            raise UsageError("the runner's address must be an http:// or https:// URL without a login")
        self._url, self._token = url.rstrip("/"), token
        self._pool = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)

    def get(self, path: str, kind: type[Answer], **query: object) -> Answer:
        """Return what ``/api/v1/PATH`` gives.

        Raises:
            HostError: the runner cannot be reached, or answers with something else.
            ServerError: it says no.
        """
        fields = {name: str(value) for name, value in query.items() if value not in {None, ""}}
        return self._decode(self._call("GET", path, fields=fields), kind)

    def post(self, path: str, kind: type[Answer], body: Mapping[str, object] | None = None) -> Answer:
        """Ask ``/api/v1/PATH`` to do something. Raises as :meth:`get` does."""
        return self._decode(self._call("POST", path, json=body), kind)

    def text(self, path: str, **query: object) -> Iterator[str]:
        """Yield the lines of ``/api/v1/PATH``. Raises as :meth:`get` does."""
        fields = {name: str(value) for name, value in query.items() if value is not None}
        answer = self._call("GET", path, fields=fields)
        yield from answer.data.decode("utf-8", "replace").splitlines()

    def _call(self, method: str, path: str, **more: Any) -> urllib3.BaseHTTPResponse:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            answer = self._pool.request(
                method, f"{self._url}/api/v1/{path}", headers=headers, redirect=False, **more
            )
        except urllib3.exceptions.HTTPError as error:
            raise HostError(
                "the runner cannot be reached",
                where=self._url,
                why=str(error),
                hint="is packhouse serve running? --server or PACKHOUSE_SERVER says where",
            ) from error
        if answer.status >= 300:  # noqa: PLR2004  # nothing of ours redirects
            raise self._refusal(answer)
        return answer

    def _decode(self, answer: urllib3.BaseHTTPResponse, kind: type[Answer]) -> Answer:
        try:
            return msgspec.json.decode(answer.data[:_LARGEST], type=kind)
        except msgspec.DecodeError as error:
            raise HostError(
                "this is no runner, or one of another version", where=self._url, why=str(error)
            ) from error

    def _refusal(self, answer: urllib3.BaseHTTPResponse) -> PackhouseError:
        try:
            problem = msgspec.json.decode(answer.data, type=dict[str, dict[str, str]])["error"]
        except (msgspec.DecodeError, KeyError):
            return HostError("this is no runner", where=self._url, why=f"it answers with status {answer.status}")
        hint = problem.get("hint", "") or ("set PACKHOUSE_TOKEN" if answer.status in {401, 403} else "")
        return ServerError(problem["kind"], problem["what"], why=problem.get("why", ""), hint=hint)
