# SPDX-License-Identifier: Apache-2.0
"""What a job's state means to the commit it builds."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from runner.service.forges.model import Report, ReportState

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.service.jobs.model import Job, State

LONGEST_DESCRIPTION = 140
"""Characters that GitHub takes; the others take more."""

LONGEST_CONTEXT = 255
_BASIC_PLANE = 0xFFFF
"""The last character that GitHub takes in a status."""

_OURS = frozenset({"error", "internal", "environment", "storage", "not-found", "integrity"})
"""Kinds of errors that whoever wrote the description cannot mend."""

_STATES: dict[State, ReportState] = {
    "queued": "queued",
    "running": "running",
    "done": "success",
    "cancelled": "cancelled",
}
_PREFIXES = ("refs/heads/", "refs/tags/")


def report_of(job: Job, public_url: str) -> Report:
    """Return what the forge is to show; ``public_url`` is that of our pages, empty where nobody reaches them."""
    request = job.request
    return Report(
        commit=request.commit,
        ref=short_ref(request.ref),
        context=context_of(str(request.image)),
        state=_state(job),
        description=one_line(_basic(_describe(job), lambda _: "\ufffd"), LONGEST_DESCRIPTION),
        url=job_url(public_url, job.number),
    )


def context_of(image: str) -> str:
    """Return the name under which an image's statuses replace each other, the same for ever."""
    text = _basic(f"packhouse/{image}", lambda each: f"U+{ord(each):X}")
    if len(text) <= LONGEST_CONTEXT:
        return text
    digest = hashlib.sha256(image.encode()).hexdigest()[:16]
    return text[: LONGEST_CONTEXT - len(digest) - 1] + "~" + digest


def job_url(public_url: str, number: int) -> str:
    """Return the address of a job's page."""
    return f"{public_url.rstrip('/')}/jobs/{number}" if public_url else ""


def short_ref(ref: str) -> str:
    """Return a branch's or tag's name without ``refs/…/``."""
    prefix = next((each for each in _PREFIXES if ref.startswith(each)), "")
    return ref.removeprefix(prefix)


def one_line(text: str, longest: int) -> str:
    """Return text without control characters and line ends, cut where it is too long."""
    clean = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def _basic(text: str, written: Callable[[str], str]) -> str:
    """Write characters that not every forge takes, as those of emoji, in another way."""
    return "".join(each if ord(each) <= _BASIC_PLANE else written(each) for each in text)


def is_ours(kind: str) -> bool:
    """Tell whether an error of this kind is for whoever runs Packhouse to mend."""
    return kind in _OURS


def _state(job: Job) -> ReportState:
    if job.state != "failed":
        return _STATES[job.state]
    return "error" if job.error is None or is_ours(job.error.kind) else "failure"


def _describe(job: Job) -> str:
    if job.state == "queued":
        return f"Waiting: {job.reason}" if job.reason else "Waiting"
    if job.state == "running":
        return "Building" if job.attempt <= 1 else f"Building, attempt {job.attempt}"
    if job.state == "cancelled":
        return f"Cancelled: {job.cancel}" if job.cancel else "Cancelled"
    if job.state == "failed":
        return job.error.what if job.error else "Failed"
    if job.result is None or not (job.result.unchanged or job.result.number):
        return "Built"
    return "Nothing new" if job.result.unchanged else f"Release {job.result.number} in {job.result.channel}"
