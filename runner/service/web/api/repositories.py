# SPDX-License-Identifier: Apache-2.0
"""Watched repositories over HTTP: their state, look now, build by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import get, post
from litestar.params import JSONBody

from runner.service.answers import JobsMade, RepositoryState, TriggerRequest
from runner.service.jobs.history import newest_of_repositories
from runner.service.watch.by_hand import build_by_hand
from runner.service.watch.memory import WatchRecord
from runner.service.web.api.answers import CHANGING, MISSING, WRONG
from runner.service.web.caller import needs
from runner.service.web.errors import MissingError
from runner.service.web.find import repository_by_name, shown_url
from runner.service.web.parameters import Name, TheSite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.service.jobs.model import Job
    from runner.service.web.site import Site


@get("/repositories", sync_to_thread=True, responses=WRONG)
def list_repositories(site: TheSite) -> tuple[RepositoryState, ...]:
    """List the watched repositories by name."""
    return states(site)


def states(site: Site, names: Sequence[str] | None = None) -> tuple[RepositoryState, ...]:
    """Return how a few repositories of the configuration stand, or all by name."""
    newest = newest_of_repositories(site.runner.engine, names)
    records = {record.repository: record for record in site.runner.watches.records(names)}
    refs = site.runner.watches.all_refs(names)
    return tuple(
        _state(site, name, records.get(name), newest.get(name), refs.get(name, {}))
        for name in (sorted(site.config.repositories) if names is None else names)
    )


@get("/repositories/{name:str}", sync_to_thread=True, responses=MISSING)
def show_repository(site: TheSite, name: Name) -> RepositoryState:
    """Show a watched repository."""
    repository_by_name(site, name)
    jobs = site.runner.jobs.find(repository=name, limit=1)
    watches = site.runner.watches
    return _state(site, name, watches.record(name), jobs[0] if jobs else None, watches.refs(name))


@post(
    "/repositories/{name:str}/look", status_code=202, sync_to_thread=True, guards=[needs("trigger")],
    responses=CHANGING, security=[{"token": []}],
)  # fmt: skip
def look_now(site: TheSite, name: Name) -> RepositoryState:
    """Have the repository looked at now, as a webhook would."""
    repository_by_name(site, name)
    watches = site.runner.watches
    if not watches.hasten(name):
        raise MissingError("the repository is not watched yet", hint="try again in a moment")
    return _state(site, name, watches.record(name), None, watches.refs(name))


@post(
    "/repositories/{name:str}/trigger", status_code=201, sync_to_thread=True, guards=[needs("trigger")],
    responses=CHANGING, security=[{"token": []}],
)  # fmt: skip
def trigger(site: TheSite, name: Name, data: JSONBody[TriggerRequest | None] = None) -> JobsMade:
    """Build all images of a branch or tag, whether or not they were built before."""
    repository_by_name(site, name)
    watched = site.runner.settings.repository(name)
    ref = data.ref if data else ""
    return JobsMade(jobs=build_by_hand(site.runner.look, site.runner.dispatcher, watched, ref))


def _state(
    site: Site, name: str, record: WatchRecord | None, newest: Job | None, refs: dict[str, str]
) -> RepositoryState:
    repository = site.config.repositories[name]
    record = record or WatchRecord(repository=name)
    return RepositoryState(
        name=name,
        url=shown_url(repository.url),
        destination=repository.destination,
        default_branch=record.default_branch,
        looked_at=record.polled_at,
        due_at=record.due_at,
        failures=record.failures,
        error=record.error,
        refs=refs,
        newest=newest,
    )


ROUTES = (list_repositories, show_repository, look_now, trigger)
