# SPDX-License-Identifier: Apache-2.0
"""The words in which every forge is spoken to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    from runner.service.outbox.errors import RefusedError
    from runner.service.outbox.http import Reply, Request

ReportState = Literal["queued", "running", "success", "failure", "error", "cancelled"]
"""``failure``: the description's; ``error``: ours, the machine's or the network's."""


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A repository in a forge's API; ``api`` has no slash at its end, ``name`` is ``OWNER/NAME`` or a number."""

    api: str
    name: str
    token: str

    def __repr__(self) -> str:
        return f"Project({self.name})"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One status of a commit.

    Attributes:
        ref: short name of the branch or tag that the commit was found on.
        context: what the status is about; the same one again replaces it.
        url: where to read more; empty for nowhere.
    """

    commit: str
    ref: str
    context: str
    state: ReportState
    description: str
    url: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is proposed: that ``branch``, which is pushed already, becomes part of ``base``."""

    branch: str
    base: str
    title: str
    body: str


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """A proposed change that is open; ``foreign``: its branch is in somebody's copy of the repository."""

    number: int
    url: str
    branch: str
    base: str
    title: str
    body: str
    foreign: bool = False

    def says(self, change: Change) -> bool:
        """Tell whether it is up to date; a forge may write the ends of lines otherwise."""
        return (self.title, self.body.splitlines()) == (change.title, change.body.splitlines())


class ForgeApi(Protocol):
    """One kind of forge: every function only says what would be sent, or reads an answer."""

    def status(self, project: Project, report: Report) -> Request: ...

    def is_settled(self, error: RefusedError) -> bool:
        """Tell whether a status was refused because the forge has it, or one that is farther, already."""
        ...

    def is_busy(self, error: RefusedError) -> bool:
        """Tell whether a status was refused only because another one was on its way."""
        ...

    def list_pulls(self, project: Project, change: Change, page: int) -> Request:
        """Ask for open changes, as narrowly as the forge can, ``page`` from 1."""
        ...

    def read_pulls(self, reply: Reply) -> tuple[Pull, ...]: ...

    def create_pull(self, project: Project, change: Change) -> Request: ...

    def update_pull(self, project: Project, number: int, change: Change) -> Request: ...

    def read_pull(self, reply: Reply) -> Pull: ...

    def close_pull(self, project: Project, number: int) -> Request: ...

    def find_branch(self, project: Project, branch: str) -> Request:
        """Ask for a branch; one that is not there is answered with 404."""
        ...
