# SPDX-License-Identifier: Apache-2.0
"""GitLab's REST API, version 4.

https://docs.gitlab.com/api/commits/#set-the-pipeline-status-of-a-commit,
https://docs.gitlab.com/api/merge_requests/ and https://docs.gitlab.com/api/branches/
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
    "running": "running",
    "success": "success",
    "failure": "failed",
    "error": "failed",
    "cancelled": "canceled",
}
_BAD_REQUEST = 400
_CONFLICT = 409


class _MergeRequest(msgspec.Struct, frozen=True):
    iid: int
    web_url: str
    source_branch: str
    target_branch: str
    title: str = ""
    description: str | None = None
    source_project_id: int | None = None
    target_project_id: int | None = None

    def pull(self) -> Pull:
        return Pull(
            number=self.iid,
            url=self.web_url,
            branch=self.source_branch,
            base=self.target_branch,
            title=self.title,
            body=self.description or "",
            foreign=self.source_project_id != self.target_project_id,
        )


class GitLab:
    """gitlab.com, or a server of one's own."""

    def status(self, project: Project, report: Report) -> Request:
        value = {
            "state": _STATES[report.state],
            "name": report.context,
            "description": report.description,
            "ref": report.ref,
        }
        if report.url:
            value["target_url"] = report.url
        return self._ask("POST", project, f"/statuses/{quote(report.commit, safe='')}", value)

    def is_settled(self, error: RefusedError) -> bool:
        """GitLab refuses the state that an open status has, and that one which runs waits again.

        A final state it takes always, and after one any other: that begins a new status.
        """
        return error.status == _BAD_REQUEST and "Cannot transition status" in error.reply

    def is_busy(self, error: RefusedError) -> bool:
        """GitLab takes one status of a commit at a time, whoever sends it, and gives up after ten seconds."""
        return error.status == _CONFLICT

    def list_pulls(self, project: Project, change: Change, page: int) -> Request:
        ends = {"source_branch": change.branch, "target_branch": change.base}
        return self._ask("GET", project, "/merge_requests?" + urlencode({"state": "opened", "page": page, **ends}))

    def read_pulls(self, reply: Reply) -> tuple[Pull, ...]:
        return tuple(each.pull() for each in reply.json(list[_MergeRequest]))

    def create_pull(self, project: Project, change: Change) -> Request:
        ends = {"source_branch": change.branch, "target_branch": change.base}
        texts = {"title": change.title, "description": change.body}
        return self._ask("POST", project, "/merge_requests", {**ends, **texts, "remove_source_branch": True})

    def update_pull(self, project: Project, number: int, change: Change) -> Request:
        texts = {"title": change.title, "description": change.body}
        return self._ask("PUT", project, f"/merge_requests/{number}", texts)

    def read_pull(self, reply: Reply) -> Pull:
        found: _MergeRequest = reply.json(_MergeRequest)
        return found.pull()

    def close_pull(self, project: Project, number: int) -> Request:
        return self._ask("PUT", project, f"/merge_requests/{number}", {"state_event": "close"})

    def find_branch(self, project: Project, branch: str) -> Request:
        return self._ask("GET", project, f"/repository/branches/{quote(branch, safe='')}")

    def _ask(self, method: Method, project: Project, path: str, value: Any = None) -> Request:
        url = f"{project.api}/projects/{quote(project.name, safe='')}{path}"
        headers = {"PRIVATE-TOKEN": project.token}
        return json_request(method, url, value, headers=headers, secrets=(project.token,))
