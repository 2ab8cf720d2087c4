# SPDX-License-Identifier: Apache-2.0
"""Tell a forge: a status, or a proposed change that is made once and then kept up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from runner.errors import UsageError
from runner.service.forges.gitea import Gitea
from runner.service.forges.github import GitHub
from runner.service.forges.gitlab import GitLab
from runner.service.outbox.errors import RefusedError, TryLaterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.service.config.model import Forge
    from runner.service.forges.model import Change, ForgeApi, Project, Pull, Report
    from runner.service.outbox.http import HttpSender

FORGES: Mapping[Forge, ForgeApi] = {
    "github": GitHub(),
    "gitlab": GitLab(),
    "gitea": Gitea(),
    "forgejo": Gitea(),
}
_PATHS: Mapping[Forge, str] = {
    "github": "/api/v3",
    "gitlab": "/api/v4",
    "gitea": "/api/v1",
    "forgejo": "/api/v1",
}
_MOST_PAGES = 20
_NOT_FOUND = 404
_LONGEST_BODY = 60_000
"""Characters; GitHub takes 65,536, and refuses what is longer."""


def api_of(forge: Forge, api: str, repository_url: str) -> str:
    """Return the address of a forge's API: ``api``, or that of the server the repository is cloned from.

    Raises:
        UsageError: the one is empty and the other names no server.
    """
    if api:
        return api.rstrip("/")
    try:
        host = urlsplit(repository_url).netloc.rpartition("@")[2] if repository_url.startswith("http") else ""
    except ValueError:
        host = ""
    if not host:
        raise UsageError(
            f"the address of the API of {forge} cannot be told from the repository's URL",
            hint="name it with api",
        )
    if forge == "github" and host.lower() == "github.com":
        return "https://api.github.com"
    return repository_url.partition(":")[0] + "://" + host + _PATHS[forge]


def send_status(sender: HttpSender, forge: Forge, project: Project, report: Report) -> None:
    """Set a commit's status.

    Raises:
        TryLaterError, RefusedError: as :meth:`HttpSender.send`.
    """
    api = FORGES[forge]
    try:
        sender.send(api.status(project, report))
    except RefusedError as error:
        if api.is_busy(error):
            raise TryLaterError(error.what) from error
        if not api.is_settled(error):
            raise


def propose(sender: HttpSender, forge: Forge, project: Project, change: Change) -> Pull:
    """Propose a change, or bring the open proposal of its branch up to date.

    Raises:
        TryLaterError, RefusedError: as :meth:`HttpSender.send`.
    """
    api = FORGES[forge]
    if len(change.body) > _LONGEST_BODY:
        change = msgspec.structs.replace(change, body=change.body[:_LONGEST_BODY] + "\n…")
    found = _find(sender, api, project, change)
    if found is None:
        try:
            return api.read_pull(sender.send(api.create_pull(project, change)))
        except RefusedError:
            found = _find(sender, api, project, change)  # somebody else may have been quicker
            if found is None:
                raise
    if found.says(change):
        return found
    return api.read_pull(sender.send(api.update_pull(project, found.number, change)))


def withdraw(sender: HttpSender, forge: Forge, project: Project, change: Change) -> Pull | None:
    """Close what is open of a branch that is gone; None where there is nothing of the kind.

    A branch that is there was pushed again meanwhile, and is offered anew.

    Raises:
        TryLaterError, RefusedError: as :meth:`HttpSender.send`.
    """
    api = FORGES[forge]
    found = _find(sender, api, project, change)
    if found is None or _has_branch(sender, api, project, change.branch):
        return None
    return api.read_pull(sender.send(api.close_pull(project, found.number)))


def _has_branch(sender: HttpSender, api: ForgeApi, project: Project, branch: str) -> bool:
    try:
        sender.send(api.find_branch(project, branch))
    except RefusedError as error:
        if error.status != _NOT_FOUND:
            raise
        return False
    return True


def _find(sender: HttpSender, api: ForgeApi, project: Project, change: Change) -> Pull | None:
    for page in range(1, _MOST_PAGES + 1):
        pulls = api.read_pulls(sender.send(api.list_pulls(project, change, page)))
        for pull in pulls:
            if (pull.branch, pull.base, pull.foreign) == (change.branch, change.base, False):
                return pull
        if not pulls:
            break
    return None
