# SPDX-License-Identifier: Apache-2.0
"""Debian packages: apt resolves, the tree's own dpkg installs. See :class:`runner.packages.api.PackageManager`.

A build that has nothing to do asks for the version alone, so everything else is imported when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from runner.packages.api import InstallContext, PackageFile, Resolution, ResolveContext
    from runner.packages.fetch import Fetcher
    from runner.packages.lock import Lock
    from runner.plan.model import PackageRequest

VERSION = 4
"""Raised whenever the same lock would give another tree."""

__all__ = ["VERSION", "build_time", "install", "is_fresh", "resolve"]


def build_time(path: Path, *, name: str = "") -> int:
    from runner.packages.apt import deb

    return deb.build_time(path, name=name)


def resolve(request: PackageRequest, context: ResolveContext) -> Resolution:
    from runner.packages.apt import resolution

    return resolution.resolve(request, context)


def is_fresh(lock: Lock, fetcher: Fetcher) -> bool:
    from runner.packages.apt import freshness

    return freshness.is_fresh(lock, fetcher)


def install(files: tuple[PackageFile, ...], context: InstallContext) -> None:
    from runner.packages.apt import installation

    installation.install(files, context)
