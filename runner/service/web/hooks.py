# SPDX-License-Identifier: Apache-2.0
"""Calls of forges: ``POST /hooks/REPOSITORY``. Nothing of what is sent comes back in the answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import structlog
from anyio import to_thread
from litestar import Request, Response, post
from litestar.params import FromPath

from runner.service.config.secrets import SecretError
from runner.service.web.caller import address_of
from runner.service.web.parameters import TheSite
from runner.service.webhooks.call import MAX_BODY, WebhookRefusedError
from runner.service.webhooks.receive import receive, verify

if TYPE_CHECKING:
    from runner.service.config.model import Repository
    from runner.service.web.site import Site

_BODY_SECONDS = 20.0
_ACCEPTED = {"answer": "accepted"}
_REFUSED = {"answer": "refused"}


@post("/hooks/{name:str}", status_code=202, include_in_schema=False, request_max_body_size=None)
async def hook(request: Request[Any, Any, Any], site: TheSite, name: FromPath[str]) -> Response[dict[str, str]]:
    """Hear that somebody pushed. Unknown repositories are answered as wrong signatures are."""
    found = site.config.repositories.get(name)
    forge = found.webhook.forge if found and found.webhook else "none"
    try:
        _count(request, site)
        verdict: str = await _take(request, site, name, found)
    except WebhookRefusedError as error:
        log = structlog.get_logger()
        log.warning("a webhook was refused", repository=name if found else None, reason=error.reason)
        site.runner.meters.webhooks.labels(forge, error.reason).inc()
        return Response(_REFUSED, status_code=error.status)
    site.runner.meters.webhooks.labels(forge, verdict).inc()
    return Response(_ACCEPTED, status_code=202)


def _count(request: Request[Any, Any, Any], site: Site) -> None:
    source = address_of(request, site.config.trusted_proxies)
    if site.calls.wait(source, time.monotonic()):
        raise WebhookRefusedError("too often", "too many calls from one address")


async def _take(request: Request[Any, Any, Any], site: Site, name: str, repository: Repository | None) -> str:
    if repository is None or repository.webhook is None:
        raise WebhookRefusedError("forged", "no webhook is configured here")
    body = await _body(request)
    secrets = [value for secret in repository.webhook.secrets if (value := _secret(site, secret))]
    now = time.time()
    hint = verify(
        repository.webhook.forge,
        url=repository.url,
        secrets=secrets,
        headers=list(request.scope["headers"]),
        body=body,
        now=now,
    )
    return await to_thread.run_sync(receive, site.runner.engine, name, hint, now)


async def _body(request: Request[Any, Any, Any]) -> bytes:
    """Read at most what is allowed, in the time that is allowed."""
    body = bytearray()
    try:
        with anyio.fail_after(_BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY:
                    raise WebhookRefusedError("too large", f"the body is larger than {MAX_BODY} bytes")
    except TimeoutError:
        raise WebhookRefusedError("malformed", "the body took too long") from None
    return bytes(body)


def _secret(site: Site, name: str) -> str:
    """Return a secret's value; while one replaces the other, either may be missing."""
    try:
        return site.runner.settings.secrets.value(name)
    except SecretError:
        return ""
