# SPDX-License-Identifier: Apache-2.0
"""Badges for the front pages of projects: small drawings that say how a repository's builds stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from litestar import Response, get

from runner.byte_size import rough_size
from runner.service.web.find import repository_by_name
from runner.service.web.pages.render import text
from runner.service.web.parameters import ImageFilter, Name, RefFilter, TheSite

if TYPE_CHECKING:
    from runner.service.jobs.model import Job
    from runner.service.web.site import Site

Colour = Literal["good", "bad", "plain"]

_LONGEST = 40
_LETTER, _MARGIN = 6.6, 10.0
_LOOKED_AT = 200
_HEADERS = {"Cache-Control": "public, max-age=60", "Cross-Origin-Resource-Policy": "cross-origin"}


@get("/badges/{repository:str}/status.svg", sync_to_thread=True, include_in_schema=False)
def status_badge(site: TheSite, repository: Name, image: ImageFilter = "", ref: RefFilter = "") -> Response[str]:
    """Say how the newest job ended."""
    job = _newest(site, repository, image, ref)
    words: dict[str, tuple[str, Colour]] = {"done": ("passing", "good"), "failed": ("failing", "bad")}
    message, colour = words[job.state] if job else ("unknown", "plain")
    return _badge("build", message, colour)


@get("/badges/{repository:str}/version.svg", sync_to_thread=True, include_in_schema=False)
def version_badge(site: TheSite, repository: Name, image: ImageFilter = "", ref: RefFilter = "") -> Response[str]:
    """Say which version was built last."""
    job = _newest(site, repository, image, ref, built=True)
    return _badge("version", job.result.version if job and job.result else "unknown", "plain")


@get("/badges/{repository:str}/size.svg", sync_to_thread=True, include_in_schema=False)
def size_badge(site: TheSite, repository: Name, image: ImageFilter = "", ref: RefFilter = "") -> Response[str]:
    """Say how large the files of the last build are."""
    job = _newest(site, repository, image, ref, built=True)
    bytes_of = sum(item.size for item in job.result.artifacts) if job and job.result else None
    return _badge("size", "unknown" if bytes_of is None else rough_size(bytes_of), "plain")


def _newest(site: Site, repository: str, image: str, ref: str, *, built: bool = False) -> Job | None:
    repository_by_name(site, repository)
    states: tuple[Literal["done", "failed"], ...] = ("done",) if built else ("done", "failed")
    found = site.runner.jobs.find(states=states, repository=repository, image=image, limit=_LOOKED_AT)
    fitting = (job for job in found if ref in {"", job.request.ref, job.request.ref.split("/", 2)[-1]})
    return next((job for job in fitting if not built or (job.result and job.result.artifacts)), None)


def _badge(label: str, message: str, colour: Colour) -> Response[str]:
    message = message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"
    left, right = (round(len(part) * _LETTER + _MARGIN, 1) for part in (label, message))
    drawn = text("badge.svg", label=label, message=message, colour=colour, left=left, right=right)
    return Response(drawn, media_type="image/svg+xml", headers=_HEADERS)


ROUTES = (status_badge, version_badge, size_badge)
