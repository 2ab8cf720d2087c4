# SPDX-License-Identifier: Apache-2.0
"""What a remote repository has now: its branches and tags, without fetching anything."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.errors import LimitError
from runner.sources.address import Address, parse, shown
from runner.sources.credentials import handed_over
from runner.sources.faults import GitFault, explain
from runner.sources.porcelain import HardenedGit
from runner.sources.session import open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LINE = re.compile(
    r"(?P<commit>[0-9a-f]{40}(?:[0-9a-f]{24})?)\t(?P<name>refs/(?:heads|tags)/.+?)(?P<peeled>\^\{\})?"
)
_SYMREF = re.compile(r"ref: (?P<name>refs/heads/\S+)\tHEAD")

SECONDS = 60.0
"""How long a server may take to answer."""


@dataclass(frozen=True, slots=True)
class RemoteRefs:
    """``commits``: full names of branches and tags to commits, those of annotated tags too.

    ``default`` is the full name of the default branch, empty where there is none.
    """

    default: str
    commits: Mapping[str, str]


def list_refs(
    source: str,
    *,
    env: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    stop: Callable[[], bool] | None = None,
) -> RemoteRefs:
    """Ask the repository at ``source``, a git URL or path, for its branches and tags.

    ``stop`` is asked meanwhile whether to give it up.

    Raises:
        SourceError: it cannot be asked.
        LimitError: it took longer than ``seconds``.
        StoppedError: ``stop`` said so.
    """
    environment = os.environ if env is None else env
    address = parse(source)
    if not isinstance(address, Address):
        address = Address(str(address), "file")
    try:
        with handed_over(address, environment) as handover:
            session = open_session(
                source,
                env=environment,
                seconds=seconds,
                transports=frozenset({"https", "ssh", address.transport}),
                handover=handover,
            ).configured([("safe.directory", "*")])
            return _parse(HardenedGit(replace(session, stop=stop)).remote_refs(address.url))
    except GitFault as fault:
        raise explain(fault, address.url) from fault
    except LimitError as error:
        raise LimitError(f"{shown(source)} did not answer within {seconds:g} s", why=error.what) from error


def _parse(answer: str) -> RemoteRefs:
    commits: dict[str, str] = {}
    for line in answer.splitlines():
        found = _LINE.fullmatch(line)
        if found:  # the peeled line of an annotated tag follows it and has the commit
            commits[found["name"]] = found["commit"]
    symref = _SYMREF.search(answer)
    return RemoteRefs(symref["name"] if symref else "", commits)
