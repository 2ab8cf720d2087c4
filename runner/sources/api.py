# SPDX-License-Identifier: Apache-2.0
"""The door to sources: turn a git URL or a path into a :class:`Checkout`."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from runner.errors import HostError, LimitError, SourceError
from runner.sources import local
from runner.sources.address import Address, parse, shown
from runner.sources.checkout import Checkout
from runner.sources.credentials import handed_over, secrets_of
from runner.sources.faults import GitFault, explain
from runner.sources.refs import check_ref
from runner.sources.session import open_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.process import LineSink

__all__ = ["Checkout", "checkout", "secrets_of"]

SECONDS = 1800.0
"""How long fetching a source may take in all."""


def checkout(
    source: str,
    *,
    ref: str | None = None,
    subdir: str | None = None,
    work: Path,
    log: LineSink | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Checkout:
    """Bring ``source`` to this machine and tell what it is.

    A path without ``ref`` is used in place. Anything else becomes a clone of one commit at ``work/source`` (its
    git folder beside it, at ``work/source.git``); ``work`` belongs to the caller, who removes it. On failure
    nothing is left in it.

    Args:
        source: git URL (https, http, ssh, ``user@host:path``, file) or path of a folder.
        ref: branch, tag, full ref name, full or short commit; None for the default branch.
        subdir: folder of the description inside the source; None for its top.
        work: an existing folder for the clone.
        log: takes one line about each step.
        env: the caller's environment, for credentials, proxies and the ssh agent.
        seconds: wall-clock limit.

    Raises:
        SourceError: source, ref or folder cannot be had.
        LimitError: it took longer than ``seconds``.
        HostError: git is not installed, or the disk is full.
    """
    if ref is not None:
        check_ref(ref)
    order = _Order(source, ref, _clean_subdir(subdir), work, log, os.environ if env is None else env, seconds)
    address = parse(source)
    if shutil.which("git") is None:
        raise HostError("git is not installed", hint="install git (Debian: apt-get install git)")
    try:
        return order.fetch(address, address.url) if isinstance(address, Address) else order.take(address)
    except GitFault as fault:
        raise explain(fault, address.url if isinstance(address, Address) else shown(source)) from fault
    except LimitError as error:
        raise LimitError(
            f"fetching {shown(source)} took longer than {seconds:g} s and was ended",
            why=error.what,
            hint="check the server, or allow more time",
            log_tail=error.log_tail,
        ) from error


@dataclass(frozen=True, slots=True)
class _Order:
    """The arguments of :func:`checkout`, checked."""

    source: str
    ref: str | None
    subdir: str
    work: Path
    log: LineSink | None
    env: Mapping[str, str] = field(repr=False)
    seconds: float

    def take(self, path: Path) -> Checkout:
        """Use a folder in place, or clone the repository around it when a ref is asked for."""
        session = open_session(self.source, env=self.env, seconds=self.seconds, log=self.log)
        # git may read a repository of another user here: nothing of its configuration is run
        session = session.configured([("safe.directory", "*")])
        place = local.discover(local.folder_of(path, "."), session)
        if self.ref is None and not place.bare:
            folder = local.folder_of(path, self.subdir)
            return local.describe(
                place if self.subdir == "." else local.discover(folder, session), self.source, session
            )
        if place.top is None and not place.bare:
            raise SourceError(
                f"{shown(self.source)} has no ref {self.ref}",
                why="it is not in a git repository, or nothing is committed there",
                hint="leave --ref out to use the folder as it is",
            )
        inside = replace(self, subdir=str(PurePosixPath(place.prefix) / self.subdir))
        return inside.fetch(Address(str(place.top or place.folder), "file"), self.source)

    def fetch(self, address: Address, url: str) -> Checkout:
        """Clone from ``address``; ``url`` is what the checkout says it came from."""
        from runner.sources.clone import Request, clone

        transports = frozenset({"https", "ssh", address.transport})
        with handed_over(address, self.env) as handover:
            session = open_session(
                self.source,
                env=self.env,
                seconds=self.seconds,
                transports=transports,
                handover=handover,
                log=self.log,
            )
            if address.transport == "http" and handover.pass_fds:
                session.say("warning: the login goes over http:// in the clear")
            return clone(Request(address, url, self.ref, self.subdir), self.work, session)


def _clean_subdir(subdir: str | None) -> str:
    """Return ``subdir`` as a clean relative path, ``.`` for the top.

    Raises:
        SourceError: it is absolute, leads upwards, or contains control characters.
    """
    path = PurePosixPath(subdir or ".")
    if path.is_absolute() or ".." in path.parts or not str(path).isprintable():
        raise SourceError(
            f"{shown(str(path))!r} cannot be the folder of a description",
            hint="give a path relative to the top of the source, without '..'",
        )
    return str(path)
