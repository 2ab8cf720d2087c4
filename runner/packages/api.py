# SPDX-License-Identifier: Apache-2.0
"""What a package manager does for the house: turn a request into locked packages, and locked packages into a tree.

A new one is a folder beside ``apt`` that fits :class:`PackageManager`, and a line in
:mod:`runner.packages.managers`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from runner.packages.credentials import Credentials
from runner.packages.lock import LockedPackage, LockedRepository, Solver

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.packages.fetch import Fetcher
    from runner.packages.lock import Lock
    from runner.packages.mirrors import Mirrors
    from runner.plan.model import PackageRequest
    from runner.process import LineSink
    from runner.sandbox.api import Sandbox


@dataclass(frozen=True, slots=True)
class ResolveContext:
    """What a solver may use of this machine.

    Attributes:
        work: an empty folder of its own.
        description: folder that ``this://`` sources and key files are relative to.
        mirrors: looks ``mirror://`` names up.
        keyrings: folder with the distributions' keyrings.
        allow_expired: accept indices past their ``Valid-Until``, as those of a snapshot are.
        boundary: the checkout around the description, where links may lead; the description itself by default.
        credentials: logins of repositories; its environment names the proxies too.
    """

    work: Path
    description: Path
    mirrors: Mirrors
    sink: LineSink | None = None
    keyrings: Path = Path("/usr/share/keyrings")
    allow_expired: bool = False
    boundary: Path | None = None
    credentials: Credentials = field(default_factory=Credentials)


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """A solved request, before its files are fetched."""

    solver: Solver
    repositories: tuple[LockedRepository, ...]
    packages: tuple[LockedPackage, ...]


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A locked package and its checked file on this machine."""

    package: LockedPackage
    path: Path


@dataclass(frozen=True, slots=True)
class InstallContext:
    """What an installation may use.

    Attributes:
        root: the tree; empty at the start.
        work: a folder of its own on the same file system as the packages.
        sandbox: runs every program of the tree.
        epoch: SOURCE_DATE_EPOCH of all scripts, seconds since 1970.
        exclude_docs: leave manual pages and documentation out, copyright files stay.
        after_bootstrap: called between the bootstrap and the image packages.
    """

    root: Path
    work: Path
    sandbox: Sandbox
    epoch: int
    sink: LineSink
    exclude_docs: bool = False
    after_bootstrap: Callable[[], None] | None = field(default=None)


class PackageManager(Protocol):
    """One distribution's way with packages."""

    VERSION: int
    """Raised whenever the same lock would give another tree."""

    def build_time(self, path: Path, *, name: str = "") -> int:
        """Return when the package file at ``path`` was built, in seconds since 1970.

        Raises:
            BuildError: it is no package file; the error calls it ``name``.
        """
        ...

    def resolve(self, request: PackageRequest, context: ResolveContext) -> Resolution:
        """Ask the distribution's own solver. Repository signatures are checked on the way.

        Raises:
            ResolveError: unknown package, conflict, unreachable or unsigned repository.
        """
        ...

    def is_fresh(self, lock: Lock, fetcher: Fetcher) -> bool:
        """Tell without solving that resolving anew would give ``lock`` again; False where it is not certain."""
        ...

    def install(self, files: tuple[PackageFile, ...], context: InstallContext) -> None:
        """Install exactly ``files`` into the empty tree, with no network.

        Raises:
            BuildError: a package failed; its name and the end of its log are in the error.
        """
        ...
