# SPDX-License-Identifier: Apache-2.0
"""A job's log as it grows, as server-sent events.

``log`` carries ``{"attempt", "first", "lines"}``, with an id from which a lost connection goes on; ``job`` carries
state, attempt and phase when they change; ``end`` is the last one. Comments keep proxies from hanging up.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import msgspec
from anyio import to_thread
from litestar.response import ServerSentEventMessage

from runner.service.jobs.model import State
from runner.service.jobs.phases import phases_of
from runner.service.logs.reader import read_lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from runner.service.jobs.model import Job
    from runner.service.web.site import Site

_POLL_SECONDS = 0.5
_HEARTBEAT_SECONDS = 15.0
_LONGEST_SECONDS = 3600.0
"""After that the browser connects anew: no stream lives for ever."""

_PIECES = 8
_FLUSH_SECONDS = 3.0
"""The last lines of a log may come so long after the end of their job."""

_ID = re.compile(r"([1-9][0-9]{0,8})\.([0-9]{1,9})")


class LogPiece(msgspec.Struct, frozen=True, kw_only=True):
    """Whole lines; ``first`` is the number of the first one, counted from 0."""

    attempt: int
    first: int
    lines: tuple[str, ...]


class JobNews(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job stands; ``phase`` is the one that runs."""

    state: State
    attempt: int
    phase: str
    reason: str


@dataclass(frozen=True, slots=True)
class Place:
    """How far somebody has read: the next line of an attempt."""

    attempt: int
    line: int

    def __str__(self) -> str:
        return f"{self.attempt}.{self.line}"


def place_of(event_id: str) -> Place | None:
    """Read what a browser sends as ``Last-Event-ID``; None for anything else."""
    match = _ID.fullmatch(event_id)
    return Place(int(match[1]), int(match[2])) if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    news: JobNews
    pieces: tuple[LogPiece, ...]
    place: Place
    over: bool


async def follow(site: Site, job_id: str, place: Place, *, only: bool) -> AsyncIterator[ServerSentEventMessage]:
    """Yield events from ``place`` on; with ``only`` of this attempt alone, else of those after it too."""
    with site.streams.one_more():
        async for event in _follow(site, job_id, place, only=only):
            yield event


async def _follow(site: Site, job_id: str, place: Place, *, only: bool) -> AsyncIterator[ServerSentEventMessage]:
    began = spoke = time.monotonic()
    told: JobNews | None = None
    while time.monotonic() - began < _LONGEST_SECONDS and not site.closing.is_set():
        look = await to_thread.run_sync(_look, site, job_id, place, only)
        if look is None:
            return
        place = look.place
        if look.news != told:
            told, spoke = look.news, time.monotonic()
            yield ServerSentEventMessage(event="job", data=_json(told))
        for piece in look.pieces:
            spoke = time.monotonic()
            after = Place(piece.attempt, piece.first + len(piece.lines))
            yield ServerSentEventMessage(event="log", id=str(after), data=_json(piece))
        if look.pieces:
            continue
        if look.over:
            yield ServerSentEventMessage(event="end", data=_json(look.news))
            return
        if time.monotonic() - spoke > _HEARTBEAT_SECONDS:
            spoke = time.monotonic()
            yield ServerSentEventMessage(comment="still here", data=None)
        await anyio.sleep(_POLL_SECONDS)


def _look(site: Site, job_id: str, place: Place, only: bool) -> _Look | None:  # noqa: FBT001  # called by position
    job = site.runner.jobs.get(job_id)
    if job is None:
        return None
    engine = site.runner.engine
    pieces = tuple(
        LogPiece(attempt=place.attempt, first=first, lines=lines)
        for first, lines in read_lines(engine, job.id, place.attempt, place.line, pieces=_PIECES)
    )
    if pieces:
        place = Place(place.attempt, pieces[-1].first + len(pieces[-1].lines))
    elif not only and place.attempt < job.attempt:
        place = Place(job.attempt, 0)
    over = place.attempt < job.attempt or _has_ended_for_long(job)
    return _Look(news=_news(site, job), pieces=pieces, place=place, over=over)


def _news(site: Site, job: Job) -> JobNews:
    phases = phases_of(site.runner.engine, job.id, job.attempt) if job.state == "running" else ()
    open_now = [phase.name for phase in phases if phase.ended_at is None]
    return JobNews(state=job.state, attempt=job.attempt, phase=open_now[-1] if open_now else "", reason=job.reason)


def _has_ended_for_long(job: Job) -> bool:
    return job.has_ended and time.time() - (job.ended_at or 0) > _FLUSH_SECONDS


def _json(value: msgspec.Struct) -> str:
    return msgspec.json.encode(value).decode()
