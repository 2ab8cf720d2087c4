# SPDX-License-Identifier: Apache-2.0
"""What must hold between the values of a configuration, each of which is right by itself."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from runner.service.config.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.config.model import (
        Destination,
        Notification,
        Repository,
        Schedule,
        SecretSource,
        ServiceConfig,
    )
    from runner.service.config.problem import KeyPath

_SECRET_LIKE = re.compile(r"SECRET|TOKEN|PASSWORD|PASSPHRASE", re.IGNORECASE)
_WEB = ("http://", "https://")


def check(config: ServiceConfig) -> Iterator[Problem]:
    """Find what contradicts itself; lines are left out."""
    if config.database and config.database_secret:
        yield Problem(("database_secret",), "the database is named twice", "keep one of database, database_secret")
    for name, source in config.secrets.items():
        yield from _secret(source, ("secrets", name))
    yield from _tokens(config)
    for name, destination in config.destinations.items():
        yield from _destination(destination, ("destinations", name))
    for name, repository in config.repositories.items():
        yield from _repository(repository, ("repositories", name))
    for name, notification in config.notifications.items():
        yield from _notification(notification, ("notifications", name))


def _secret(source: SecretSource, path: KeyPath) -> Iterator[Problem]:
    given = [bool(place) for place in (source.env, source.file, source.credential)].count(True)
    if given != 1:
        yield Problem(path, f"a secret has one source, and this has {given}", "give one of env, file, credential")


def _tokens(config: ServiceConfig) -> Iterator[Problem]:
    uses = Counter(token.secret for token in config.tokens.values())
    for name, token in config.tokens.items():
        if uses[token.secret] > 1:
            yield Problem(
                ("tokens", name, "secret"),
                "another token has the same secret",
                "who sends it could not be told apart: give each its own",
            )


def _destination(destination: Destination, path: KeyPath) -> Iterator[Problem]:
    for name in destination.settings:
        if _SECRET_LIKE.search(name):
            yield Problem(
                (*path, "settings", name),
                "this looks like a secret",
                "name it in secrets and give it through environment",
            )
        elif name in destination.environment:
            yield Problem((*path, "settings", name), "the variable is in environment too", "keep one of the two")


def _repository(repository: Repository, path: KeyPath) -> Iterator[Problem]:
    if not (repository.refs or repository.tags):
        yield Problem((*path, "refs"), "neither branches nor tags are watched", "name some in refs or tags")
    commits = repository.commits
    if commits.signed != bool(commits.allowed_signers):
        yield Problem(
            (*path, "commits"),
            "signed and allowed_signers count only together",
            "give both, or leave both out to build every commit",
        )
    if repository.boot_test and repository.boot_test.password and not repository.boot_test.script:
        yield Problem((*path, "boot_test", "password"), "a password is for running a script", "give script too")
    yield from _proposals(repository, path)
    names = Counter(schedule.name for schedule in repository.schedules)
    for place, schedule in enumerate(repository.schedules):
        here = (*path, "schedules", place)
        yield from _schedule(schedule, here)
        if names[schedule.name] > 1:
            yield Problem(here, f"another schedule is called {schedule.name!r} too", "give each a name of its own")


def _proposals(repository: Repository, path: KeyPath) -> Iterator[Problem]:
    """A branch is either watched or ours, and ours for one branch that it is proposed to."""
    refs: dict[str, str] = {}
    for place, schedule in enumerate(repository.schedules):
        if schedule.pull_request is None:
            continue
        branch, here = schedule.pull_request.branch, (*path, "schedules", place, "pull_request", "branch")
        if branch in {schedule.ref, *repository.refs}:
            yield Problem(here, "this branch is watched or built", "name one that nobody else pushes to")
        if refs.setdefault(branch, schedule.ref) != schedule.ref:
            yield Problem(here, "a schedule of another ref has the same branch", "give each a branch of its own")


def _schedule(schedule: Schedule, path: KeyPath) -> Iterator[Problem]:
    if schedule.nightly == bool(schedule.cron):
        yield Problem(path, "a schedule has either nightly: true or cron", "give one of the two")


def _notification(notification: Notification, path: KeyPath) -> Iterator[Problem]:
    if bool(notification.url) == bool(notification.url_secret):
        yield Problem(path, "a notification goes to one place", "give one of url and url_secret")
    is_mail = notification.kind == "email"
    if notification.url and notification.url.startswith(_WEB) == is_mail:
        wanted = "smtp:// or smtps://" if is_mail else "https://"
        yield Problem((*path, "url"), f"must begin with {wanted} for {notification.kind}")
    needed = {"email": ("to", "sender"), "matrix": ("to", "token")}.get(notification.kind, ())
    for key in needed:
        if not getattr(notification, key):
            yield Problem(path, f"the key {key!r} is missing for {notification.kind}")
    for key in () if is_mail else ("user", "sender"):
        if getattr(notification, key):
            yield Problem((*path, key), "this is for e-mail only")
    if is_mail and bool(notification.user) != bool(notification.token):
        yield Problem(path, "a login by e-mail has both user and token", "give both or none")
    if is_mail:
        yield from _recipients(notification, path)


def _recipients(notification: Notification, path: KeyPath) -> Iterator[Problem]:
    """Whoever could add a line to an address could add a header to the mail."""
    places: dict[KeyPath, str] = {(*path, "to", place): address for place, address in enumerate(notification.to)}
    if notification.sender:
        places[(*path, "sender")] = notification.sender
    for place, address in places.items():
        if not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", address):
            yield Problem(place, "must be an e-mail address such as ops@example.org")
