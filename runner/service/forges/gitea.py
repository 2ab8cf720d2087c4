# SPDX-License-Identifier: Apache-2.0
"""Gitea's and Forgejo's REST API: GitHub's words, with a login of its own and no filter by branch.

The forge's own description of it is at ``/api/swagger``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from runner.service.forges.github import GitHub

if TYPE_CHECKING:
    from runner.service.forges.model import Change, Project
    from runner.service.outbox.http import Request

_PAGE = 50


class Gitea(GitHub):
    """A server that runs Gitea or Forgejo."""

    def list_pulls(self, project: Project, change: Change, page: int) -> Request:  # noqa: ARG002 - no such filter
        return self._ask("GET", project, "/pulls?" + urlencode({"state": "open", "limit": _PAGE, "page": page}))

    def headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"token {token}", "Accept": "application/json"}
