# SPDX-License-Identifier: Apache-2.0
"""Debian packages: apt resolves, the tree's own dpkg installs."""

from runner.packages.apt.deb import build_time
from runner.packages.apt.freshness import is_fresh
from runner.packages.apt.installation import install
from runner.packages.apt.resolution import resolve

VERSION = 4
"""Raised whenever the same lock would give another tree."""

__all__ = ["VERSION", "build_time", "install", "is_fresh", "resolve"]
