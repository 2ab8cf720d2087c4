# SPDX-License-Identifier: Apache-2.0
"""GitHub's REST API, as version 2022-11-28 has it. Statuses, not checks: those need a GitHub App.

https://docs.github.com/en/rest/commits/statuses, https://docs.github.com/en/rest/pulls/pulls and
https://docs.github.com/en/rest/branches/branches
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec

from runner.service.forges.model import Change, Project, Pull, Report, ReportState
from runner.service.outbox.http import Method, json_request

if TYPE_CHECKING:
    from runner.service.outbox.errors import RefusedError
    from runner.service.outbox.http import Reply, Request

_STATES: dict[ReportState, str] = {
    "queued": "pending",
    "running": "pending",
    "success": "success",
    "failure": "failure",
    "error": "error",
    "cancelled": "error",
}


class _Repo(msgspec.Struct, frozen=True):
    full_name: str = ""


class Branch(msgspec.Struct, frozen=True):
    """An end of a pull request; Gitea has the same form. ``repo`` is gone when somebody deleted his copy."""

    ref: str
    repo: _Repo | None = None


class PullRequest(msgspec.Struct, frozen=True):
    """A pull request, of GitHub or Gitea."""

    number: int
    html_url: str
    head: Branch
    base: Branch
    title: str = ""
    body: str | None = None

    def pull(self) -> Pull:
        return Pull(
            number=self.number,
            url=self.html_url,
            branch=self.head.ref,
            base=self.base.ref,
            title=self.title,
            body=self.body or "",
            foreign=self.head.repo != self.base.repo,
        )


class GitHub:
    """github.com, or a server of one's own."""

    states = _STATES

    def status(self, project: Project, report: Report) -> Request:
        return self._ask(
            "POST", project, f"/statuses/{quote(report.commit, safe='')}", status_json(report, self.states)
        )

    def is_settled(self, error: RefusedError) -> bool:  # noqa: ARG002 - GitHub takes every status again
        return False

    def is_busy(self, error: RefusedError) -> bool:  # noqa: ARG002 - GitHub says so with 429 or 5xx
        return False

    def list_pulls(self, project: Project, change: Change, page: int) -> Request:
        owner = project.name.partition("/")[0]
        query = {"state": "open", "head": f"{owner}:{change.branch}", "base": change.base, "page": page}
        return self._ask("GET", project, "/pulls?" + urlencode(query))

    def read_pulls(self, reply: Reply) -> tuple[Pull, ...]:
        return tuple(each.pull() for each in reply.json(list[PullRequest]))

    def create_pull(self, project: Project, change: Change) -> Request:
        ends = {"head": change.branch, "base": change.base}
        return self._ask("POST", project, "/pulls", {**ends, "title": change.title, "body": change.body})

    def update_pull(self, project: Project, number: int, change: Change) -> Request:
        return self._ask("PATCH", project, f"/pulls/{number}", {"title": change.title, "body": change.body})

    def read_pull(self, reply: Reply) -> Pull:
        found: PullRequest = reply.json(PullRequest)
        return found.pull()

    def close_pull(self, project: Project, number: int) -> Request:
        return self._ask("PATCH", project, f"/pulls/{number}", {"state": "closed"})

    def find_branch(self, project: Project, branch: str) -> Request:
        return self._ask("GET", project, f"/branches/{quote(branch, safe='/')}")

    def headers(self, token: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def _ask(self, method: Method, project: Project, path: str, value: Any = None) -> Request:
        url = f"{project.api}/repos/{quote(project.name, safe='/')}{path}"
        return json_request(method, url, value, headers=self.headers(project.token), secrets=(project.token,))


def status_json(report: Report, states: dict[ReportState, str]) -> dict[str, str]:
    """Return a status as GitHub and Gitea take it."""
    link = {"target_url": report.url} if report.url else {}
    return {
        "state": states[report.state],
        "context": report.context,
        "description": report.description,
        **link,
    }
