# SPDX-License-Identifier: Apache-2.0
"""Send one HTTP request: in bounded time, to one host only, with errors that hold no secret."""

from __future__ import annotations

import email.utils
import time
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import urlsplit

import msgspec

from runner.redact import Redactor
from runner.service.outbox.errors import RefusedError, TryLaterError

if TYPE_CHECKING:
    import httpx

Method = Literal["GET", "POST", "PUT", "PATCH"]

_CONNECT = 10.0
_READ = 20.0
_WHOLE = 60.0
_MAX_REPLY = 4 << 20
_MAX_QUOTED = 300
_MAX_REDIRECTS = 3
_LONGEST_AFTER = 6 * 3600.0
_TOO_EARLY = frozenset({408, 425, 429})
_REDIRECTS = frozenset({301, 307, 308})
_ANY_OK = range(200, 300)
_CLIENT_ERRORS = range(400, 500)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent: ``secrets`` are those in it, to be kept out of errors."""

    method: Method
    url: str
    headers: dict[str, str]
    body: bytes = b""
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Request({self.method} {host_of(self.url)})"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back when it was taken."""

    status: int
    body: bytes

    def json(self, wanted: Any) -> Any:
        """Read the body as ``wanted``.

        Raises:
            RefusedError: it has another form: whoever answers there is not what the configuration says.
        """
        try:
            return msgspec.json.decode(self.body, type=wanted)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RefusedError("the answer is not what a forge's API gives", status=self.status) from error


def json_request(
    method: Method, url: str, value: Any = None, *, headers: dict[str, str], secrets: tuple[str, ...] = ()
) -> Request:
    """Return a request with ``value`` as its JSON body, without a body for None."""
    body = b"" if value is None else msgspec.json.encode(value)
    kind = {} if value is None else {"Content-Type": "application/json"}
    return Request(method=method, url=url, headers={**kind, **headers}, body=body, secrets=secrets)


class HttpSender:
    """Sends over connections that are kept; a context manager, and several threads may share it."""

    def __init__(self) -> None:
        import httpx

        from runner import __version__

        self._client = httpx.Client(
            timeout=httpx.Timeout(_READ, connect=_CONNECT),
            follow_redirects=False,
            headers={"User-Agent": f"packhouse/{__version__}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._client.close()

    def send(self, request: Request) -> Reply:
        """Send, and return the answer to what was taken.

        Raises:
            TryLaterError: the network or the other side fails for now, or it asks for a pause.
            RefusedError: it does not want this, or sends us to another host.
        """
        import httpx

        redact = Redactor.of(request.secrets)
        host = host_of(request.url)
        try:
            return self._send(request, redact)
        except httpx.TransportError as error:
            why = redact(str(error)) or type(error).__name__
            raise TryLaterError(f"{host} cannot be reached: {why}", everything=True) from None
        except (httpx.InvalidURL, httpx.HTTPError, UnicodeError) as error:
            raise RefusedError(f"no request can be made to {host}", reply=type(error).__name__) from None

    def _send(self, request: Request, redact: Redactor) -> Reply:
        url = request.url
        for _ in range(_MAX_REDIRECTS + 1):
            with self._client.stream(
                request.method, url, headers=request.headers, content=request.body or None
            ) as response:
                if response.status_code not in _REDIRECTS:
                    return _judge(response, _read(response), host_of(url), redact)
                url = _next_url(response)
        raise RefusedError(f"{host_of(url)} sends us in circles")


def host_of(url: str) -> str:
    """Return host and port of a URL, for errors: the rest may hold a secret."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "an address without a host"
    except ValueError:
        return "an address that is none"


def _next_url(response: httpx.Response) -> str:
    """Follow a redirect within the same host only: the request holds a token for that one."""
    here = response.request.url
    there = here.join(response.headers.get("location", ""))
    if (there.scheme, there.host, there.port) != (here.scheme, here.host, here.port):
        raise RefusedError(
            f"{here.host} sends us to another host",
            status=response.status_code,
            hint="name the right address in packhouse.yaml",
        )
    return str(there)


def _read(response: httpx.Response) -> bytes:
    """Read a body of bounded size in bounded time."""
    deadline = time.monotonic() + _WHOLE
    body = b""
    for piece in response.iter_bytes():
        body += piece
        if len(body) > _MAX_REPLY or time.monotonic() > deadline:
            raise TryLaterError(f"the answer of {response.request.url.host} has no end", everything=True)
    return body


def _judge(response: httpx.Response, body: bytes, host: str, redact: Redactor) -> Reply:
    status = response.status_code
    if status in _ANY_OK:
        return Reply(status=status, body=body)
    after = _pause(response)
    if status in _CLIENT_ERRORS and status not in _TOO_EARLY and not after:
        raise RefusedError(
            f"{host} answered {status}", status=status, reply=_quote(body, redact), hint=_HINTS.get(status)
        )
    if status in _CLIENT_ERRORS or status >= _CLIENT_ERRORS.stop:
        raise TryLaterError(
            f"{host} answered {status}", after=after, everything=bool(after) or status in _TOO_EARLY
        )
    raise RefusedError(f"{host} answered {status}", status=status)


_HINTS = {
    401: "check the token: it may have expired",
    403: "check what the token may do",
    404: "check project and api, and what the token may see",
}


def _pause(response: httpx.Response) -> float:
    """Return the seconds that the other side asks to be left alone for; GitHub does it with 403, too."""
    headers = response.headers
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_AFTER)
    if text and (when := email.utils.parsedate_tz(text)):
        return min(max(1.0, email.utils.mktime_tz(when) - time.time()), _LONGEST_AFTER)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return min(max(1.0, float(reset[:12]) - time.time()), _LONGEST_AFTER)
    return 0.0


def _quote(body: bytes, redact: Redactor) -> str:
    text = redact(body.decode("utf-8", errors="replace"))
    return "".join(each if each.isprintable() else " " for each in text[:_MAX_QUOTED]).strip()
