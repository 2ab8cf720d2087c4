# SPDX-License-Identifier: Apache-2.0
"""A forge on loopback that speaks GitHub's, GitLab's or Gitea's API as far as we use it, and is as strict.

It checks login, paths, fields and states, remembers statuses and changes, and answers in the forge's form. What a
bad day brings (429, 500, a closed connection) is put into ``script``, and is answered before anything else.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from tests.support.recorder import Answer, Recorder, Seen, serve

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Iterator

Kind = Literal["github", "gitlab", "gitea", "forgejo"]

TOKEN = "canary-forge+token/1"
PROJECT = "acme/images"
_STATES = {
    "github": {"error", "failure", "pending", "success"},
    "gitlab": {"pending", "running", "success", "failed", "canceled"},
    "gitea": {"pending", "success", "error", "failure", "warning"},
}
_PREFIXES = {
    "github": "/repos/acme/images",
    "gitlab": "/api/v4/projects/acme%2Fimages",
    "gitea": "/api/v1/repos/acme/images",
}
_LONGEST = {"github": 140, "gitlab": 255, "gitea": 255}
_SHA = re.compile(r"/statuses/([0-9a-f]{40}|[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Status:
    commit: str
    context: str
    state: str
    description: str
    url: str


@dataclass(slots=True)
class Pull:
    number: int
    branch: str
    base: str
    title: str
    body: str
    is_open: bool = True
    foreign: bool = False


@dataclass
class FakeForge:
    """``statuses`` in the order they came, ``pulls`` by number from 1, ``branches`` that are there now."""

    kind: Kind
    statuses: list[Status] = field(default_factory=list)
    pulls: list[Pull] = field(default_factory=list)
    branches: set[str] = field(default_factory=set)
    recorder: Recorder = field(init=False)

    @property
    def api(self) -> str:
        """What ``api`` in packhouse.yaml names."""
        return self.recorder.url + {"github": "", "gitlab": "/api/v4", "gitea": "/api/v1"}[self._family]

    @property
    def script(self) -> deque[Answer]:
        return self.recorder.script

    def newest(self, context: str) -> Status:
        """What the forge shows beside the commit."""
        return next(each for each in reversed(self.statuses) if each.context == context)

    def add_pull(self, branch: str, base: str, **changes: Any) -> Pull:
        pull = Pull(len(self.pulls) + 1, branch, base, **{"title": "", "body": "", **changes})
        self.pulls.append(pull)
        return pull

    @property
    def _family(self) -> str:
        return "gitea" if self.kind == "forgejo" else self.kind

    def answer(self, seen: Seen) -> Answer:
        if not self._is_logged_in(seen.headers):
            return Answer(401, {"message": "Bad credentials"})
        if not seen.path.startswith(_PREFIXES[self._family] + "/"):
            return Answer(404, {"message": "Not Found"})
        path = seen.path.removeprefix(_PREFIXES[self._family])
        if match := _SHA.fullmatch(path):
            return self._status(match[1], seen) if seen.method == "POST" else Answer(405)
        pulls = "/merge_requests" if self._family == "gitlab" else "/pulls"
        if path == pulls:
            return self._list(seen) if seen.method == "GET" else self._create(seen)
        if path.startswith(pulls + "/") and seen.method == ("PUT" if self._family == "gitlab" else "PATCH"):
            return self._update(int(path.rpartition("/")[2]), seen)
        return self._branch(path, seen)

    def _branch(self, path: str, seen: Seen) -> Answer:
        """GitLab wants slashes in a branch's name quoted, Gitea wants them as they are."""
        gitlab = self._family == "gitlab"
        name = path.removeprefix("/repository/branches/" if gitlab else "/branches/")
        wrong = {"gitlab": "/", "gitea": "%2F"}.get(self._family, "?")
        if name == path or wrong in name or seen.method != "GET" or unquote(name) not in self.branches:
            return Answer(404, {"message": "Not Found"})
        return Answer(200, {"name": unquote(name)})

    def _is_logged_in(self, headers: dict[str, str]) -> bool:
        if self._family == "gitlab":
            return headers.get("private-token") == TOKEN
        scheme = "Bearer" if self._family == "github" else "token"
        if self._family == "github" and headers.get("accept") != "application/vnd.github+json":
            return False
        return headers.get("authorization") == f"{scheme} {TOKEN}" and "user-agent" in headers

    def _status(self, commit: str, seen: Seen) -> Answer:
        value = seen.json()
        context = value.get("name" if self._family == "gitlab" else "context", "")
        status = Status(commit, context, value["state"], value.get("description", ""), value.get("target_url", ""))
        if status.state not in _STATES[self._family] or not context or len(context) > 255:
            return self._invalid("state or context is invalid")
        if len(status.description) > _LONGEST[self._family]:
            return self._invalid("description is too long")
        if status.url and not status.url.startswith(("http://", "https://")):
            return self._invalid("target_url must use http(s) scheme")
        before = [each for each in self.statuses if (each.commit, each.context) == (commit, context)]
        if self._family == "gitlab" and before and before[-1].state == status.state:
            return self._invalid(f"Cannot transition status via :run from :{status.state} (Reason(s): …)")
        self.statuses.append(status)
        return Answer(201, {"id": len(self.statuses), "state": status.state, "context": context})

    def _list(self, seen: Seen) -> Answer:
        state = "opened" if self._family == "gitlab" else "open"
        if seen.query.get("state") != state:
            return self._invalid("a client of ours asks for open ones")
        pulls = [each for each in self.pulls if each.is_open]
        if self._family == "github":
            pulls = [each for each in pulls if f"acme:{each.branch}" == seen.query["head"] and not each.foreign]
            pulls = [each for each in pulls if each.base == seen.query["base"]]
        if self._family == "gitlab":
            pulls = [each for each in pulls if each.branch == seen.query["source_branch"]]
            pulls = [each for each in pulls if each.base == seen.query["target_branch"]]
        size = int(seen.query.get("limit", "20"))
        start = (int(seen.query.get("page", "1")) - 1) * size
        return Answer(200, [self._show(each) for each in pulls[start : start + size]])

    def _create(self, seen: Seen) -> Answer:
        value = seen.json()
        gitlab = self._family == "gitlab"
        branch, base = (
            (value["source_branch"], value["target_branch"]) if gitlab else (value["head"], value["base"])
        )
        ours = [each for each in self.pulls if each.is_open and not each.foreign]
        if any((each.branch, each.base) == (branch, base) for each in ours):
            return Answer(422 if self._family == "github" else 409, {"message": "it exists already"})
        pull = self.add_pull(branch, base, title=value["title"], body=value["description" if gitlab else "body"])
        return Answer(201, self._show(pull))

    def _update(self, number: int, seen: Seen) -> Answer:
        if not 1 <= number <= len(self.pulls):
            return Answer(404, {"message": "Not Found"})
        value, pull = seen.json(), self.pulls[number - 1]
        gitlab = self._family == "gitlab"
        if set(value) == {"state_event" if gitlab else "state"}:
            if value != ({"state_event": "close"} if gitlab else {"state": "closed"}) or not pull.is_open:
                return self._invalid("no such change of its state")
            pull.is_open = False
        else:
            pull.title = value["title"]
            pull.body = value["description" if gitlab else "body"]
        return Answer(200 if self._family != "gitea" else 201, self._show(pull))

    def _show(self, pull: Pull) -> dict[str, Any]:
        url = f"{self.recorder.url}/acme/images/pulls/{pull.number}"
        if self._family == "gitlab":
            ends = {"source_branch": pull.branch, "target_branch": pull.base}
            projects = {"source_project_id": 8 if pull.foreign else 7, "target_project_id": 7}
            texts = {"title": pull.title, "description": pull.body or None}
            return {"id": 1000 + pull.number, "iid": pull.number, "web_url": url, **ends, **projects, **texts}
        head = {"ref": pull.branch, "repo": {"full_name": "other/images" if pull.foreign else PROJECT}}
        base = {"ref": pull.base, "repo": {"full_name": PROJECT}}
        texts = {"title": pull.title, "body": pull.body.replace("\n", "\r\n") or None}
        return {
            "id": 1000 + pull.number,
            "number": pull.number,
            "html_url": url,
            "head": head,
            "base": base,
            **texts,
        }

    def _invalid(self, text: str) -> Answer:
        return Answer(400 if self._family == "gitlab" else 422, {"message": text})


@contextmanager
def serve_forge(kind: Kind) -> Iterator[FakeForge]:
    """Run a forge that has the repository :data:`PROJECT` and knows :data:`TOKEN`."""
    forge = FakeForge(kind)
    with serve(forge.answer) as recorder:
        forge.recorder = recorder
        yield forge
