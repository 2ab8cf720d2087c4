# SPDX-License-Identifier: Apache-2.0
"""A forge on loopback that speaks GitHub's, GitLab's or Gitea's API as far as we use it, and is as strict.

It checks login, paths, fields, their lengths and states, remembers statuses and changes, and answers in the
forge's form. What a bad day brings (429, 500, a closed connection) is put into ``script``, and is answered before
anything else.

- GitHub: https://docs.github.com/en/rest/commits/statuses; that it refuses characters outside the Basic
  Multilingual Plane is written nowhere but in its answers.
- GitLab: https://docs.gitlab.com/api/commits/#set-commit-pipeline-status; a status that is open moves on only, one
  that has ended is followed by a new one.
- Gitea, Forgejo: /api/swagger.
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
_FIELDS = {
    "github": {"state", "target_url", "description", "context"},
    "gitlab": {"state", "ref", "name", "target_url", "description", "coverage", "pipeline_id"},
    "gitea": {"state", "target_url", "description", "context"},
}
_LONGEST = {
    "github": {"description": 140, "context": 255},
    "gitlab": {"description": 255, "name": 255, "target_url": 255, "ref": 255},
    "gitea": {"description": 255, "context": 255},
}
_MOST_OF_ONE = 1000
_OPEN = ("pending", "running")
_EVENTS = {"pending": "enqueue", "running": "run"}
_SHA = re.compile(r"/statuses/([0-9a-f]{40}|[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Status:
    commit: str
    context: str
    state: str
    description: str
    url: str
    ref: str = ""


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
    """``statuses`` in the order they came, ``pulls`` by number from 1, ``branches`` that are there now.

    While ``speaks`` is not set everything is done as it is asked, and nobody hears of it; one of ``swallowed``
    answers each is lost with its connection, after everything was done.
    """

    kind: Kind
    statuses: list[Status] = field(default_factory=list)
    pulls: list[Pull] = field(default_factory=list)
    branches: set[str] = field(default_factory=set)
    speaks: threading.Event = field(default_factory=threading.Event)
    swallowed: int = 0
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
        answer = self._answer(seen)
        lost, self.swallowed = self.swallowed > 0, max(0, self.swallowed - 1)
        return replace(answer, hang_up=lost, spoken=self.speaks)

    def _answer(self, seen: Seen) -> Answer:
        if not self._is_logged_in(seen.headers):
            return Answer(401, {"message": "Bad credentials"})
        if not self._is_well_made(seen.headers) or not seen.path.startswith(_PREFIXES[self._family] + "/"):
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
        return headers.get("authorization") == f"{scheme} {TOKEN}" and "user-agent" in headers

    def _is_well_made(self, headers: dict[str, str]) -> bool:
        if self._family != "github":
            return True
        versions = (headers.get("accept"), headers.get("x-github-api-version"))
        return versions == ("application/vnd.github+json", "2022-11-28")

    def _status(self, commit: str, seen: Seen) -> Answer:
        if seen.headers.get("content-type") != "application/json":
            return Answer(415, {"message": "application/json is asked for"})
        value = seen.json()
        for fault in self._faults(value):
            return self._invalid(fault)
        context = value["name" if self._family == "gitlab" else "context"]
        texts = (value.get(name, "") for name in ("description", "target_url", "ref"))
        status = Status(commit, context, value["state"], *texts)
        before = [each for each in self.statuses if (each.commit, each.context) == (commit, context)]
        if self._family == "github" and len(before) >= _MOST_OF_ONE:
            return self._invalid("This SHA and context has reached the maximum number of statuses.")
        if self._family == "gitlab" and (stuck := _stuck(status, before)):
            return self._invalid(stuck)
        self.statuses.append(status)
        state = "status" if self._family in {"gitlab", "gitea"} else "state"
        name = "name" if self._family == "gitlab" else "context"
        return Answer(201, {"id": len(self.statuses), state: status.state, name: context})

    def _faults(self, value: dict[str, str]) -> Iterator[str]:
        """What the forge would not take; and nothing may be sent that it would not look at."""
        if unknown := value.keys() - _FIELDS[self._family]:
            yield f"these are no fields of a status: {sorted(unknown)}"
        if value.get("state") not in _STATES[self._family]:
            yield "state does not have a valid value"
        if not value.get("name" if self._family == "gitlab" else "context", "").strip():
            yield "a client of ours names its statuses"
        for name, longest in _LONGEST[self._family].items():
            if len(value.get(name, "")) > longest:
                yield f"{name} is too long (maximum is {longest} characters)"
        if self._family == "github" and any(ord(each) > 0xFFFF for text in value.values() for each in text):
            yield "description doesn't accept 4-byte Unicode"
        if not value.get("target_url", "http://").startswith(("http://", "https://")):
            yield "target_url is blocked: Only allowed schemes are http, https"

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
        if self._family == "github":
            return Answer(422, {"message": "Validation Failed", "errors": [{"code": "custom", "message": text}]})
        return Answer(400 if self._family == "gitlab" else 422, {"message": text})


def _stuck(status: Status, before: list[Status]) -> str:
    """Why GitLab does not move the open status of this commit, ref and name on; one that ended has a successor."""
    same = [each for each in before if each.ref == status.ref]
    state = same[-1].state if same else ""
    if state not in _OPEN or status.state not in _OPEN or (state, status.state) == _OPEN:
        return ""
    event = _EVENTS[status.state]
    return (
        f'Cannot transition status via :{event} from :{state} (Reason(s): Status cannot transition via "{event}")'
    )


@contextmanager
def serve_forge(kind: Kind) -> Iterator[FakeForge]:
    """Run a forge that has the repository :data:`PROJECT` and knows :data:`TOKEN`."""
    forge = FakeForge(kind)
    forge.speaks.set()
    with serve(forge.answer) as recorder:
        forge.recorder = recorder
        yield forge
