# SPDX-License-Identifier: Apache-2.0
"""The last step of prepare: take out of the tree whatever differs between two builds of the same thing.

:func:`run` applies the rules of :mod:`runner.prepare.normalisation_rules`, rewrites the few files that hold times
or an order of their own, and clamps time stamps last. :func:`assert_normal` checks the result and changes nothing.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner.prepare import glob
from runner.prepare.bytecode import is_stale
from runner.prepare.normalisation_rules import RULES, TEMPORARY, Action, Rule
from runner.prepare.paths import TreePaths
from runner.prepare.rewrites import REWRITES

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 2
_MOUNT_POINTS = ("dev", "proc", "run", "sys", "tmp")
"""Whether programs write into these folders of the tree or into mounts over them depends on the sandbox."""

_SECOND = 10**9


@dataclass(frozen=True, slots=True)
class Inputs:
    """How to normalise.

    Attributes:
        epoch: no time stamp may be later, in seconds since 1970.
        empty_temporary: the type's ``ensure_empty_tmpdirs``.
    """

    epoch: int
    empty_temporary: bool = True

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (*RULES, *TEMPORARY) if self.empty_temporary else RULES


def run(inputs: Inputs, root: Path) -> None:
    """Normalise the tree at ``root`` in place. Running it twice changes nothing the second time."""
    paths = TreePaths(root)
    for rule in inputs.rules:
        for location in glob.find(paths, rule.pattern):
            _apply(rule, location)
    for rewrite in REWRITES:
        file = glob.regular_file(paths, rewrite.path)
        if file is not None:
            old = file.read_bytes()
            new = rewrite.change(old, inputs.epoch)
            if new != old:
                file.write_bytes(new)
    _settle_directory(os.fspath(root), inputs.epoch * _SECOND)
    for name in _MOUNT_POINTS:
        if (root / name).is_dir() and not (root / name).is_symlink():
            os.utime(root / name, ns=(inputs.epoch * _SECOND,) * 2)


def assert_normal(root: Path, epoch: int, *, empty_temporary: bool = True) -> list[str]:
    """Return what in the tree at ``root`` is not as :func:`run` leaves it, one sentence each, sorted."""
    paths = TreePaths(root)
    found = []
    for rule in Inputs(epoch, empty_temporary).rules:
        for location in glob.find(paths, rule.pattern):
            if _breaks(rule, location):
                found.append(f"{paths.inside(location)}: {rule.why}")  # noqa: PERF401 - reads better as a loop
    for rewrite in REWRITES:
        file = glob.regular_file(paths, rewrite.path)
        if file is not None and rewrite.change(content := file.read_bytes(), epoch) != content:
            found.append(f"{rewrite.path}: {rewrite.why}")
    found.extend(f"{paths.inside(Path(path))}: {why}" for path, why in _late(root, epoch))
    return sorted(found)


def _apply(rule: Rule, location: Path) -> None:
    if not _breaks(rule, location):
        return
    if rule.action is Action.EMPTY:
        os.truncate(location, 0)
    elif rule.action is Action.CLEAR:
        for name in _cleared(rule, location):
            _delete(location / name)
    else:
        _delete(location)


def _breaks(rule: Rule, location: Path) -> bool:
    info = location.lstat()
    match rule.action:
        case Action.DELETE:
            return True
        case Action.DELETE_FILE:
            return stat.S_ISREG(info.st_mode)
        case Action.EMPTY:
            return stat.S_ISREG(info.st_mode) and info.st_size > 0
        case Action.CLEAR:
            return stat.S_ISDIR(info.st_mode) and bool(_cleared(rule, location))


def _cleared(rule: Rule, location: Path) -> list[str]:
    return [entry.name for entry in os.scandir(location) if entry.name not in rule.keep]


def _delete(location: Path) -> None:
    if stat.S_ISDIR(location.lstat().st_mode):
        shutil.rmtree(location)
    else:
        location.unlink()


def _settle_directory(directory: str, limit: int) -> None:
    """Settle everything below ``directory``, then itself: removing stale bytecode has changed its time."""
    for entry in list(os.scandir(directory)):
        info = entry.stat(follow_symlinks=False)
        if stat.S_ISDIR(info.st_mode):
            _settle_directory(entry.path, limit)
        elif is_stale(entry, limit // _SECOND):
            Path(entry.path).unlink()
        else:
            _settle(entry.path, info, limit)
    _settle(directory, os.lstat(directory), limit)


def _settle(path: str, info: os.stat_result, limit: int) -> None:
    names = os.listxattr(path, follow_symlinks=False)
    if len(names) > 1 and names != sorted(names):
        _sort_xattrs(path, names)
    if info.st_mtime_ns > limit:
        os.utime(path, ns=(limit, limit), follow_symlinks=False)


def _sort_xattrs(path: str, names: list[str]) -> None:
    """Set the attributes anew in sorted order: most filesystems list them in the order they were set."""
    values = {name: os.getxattr(path, name, follow_symlinks=False) for name in sorted(names)}
    for name in values:
        os.removexattr(path, name, follow_symlinks=False)
    for name, value in values.items():
        os.setxattr(path, name, value, follow_symlinks=False)


def _late(root: Path, epoch: int) -> Iterator[tuple[str, str]]:
    todo = [os.fspath(root)]
    while todo:
        directory = todo.pop()
        if os.lstat(directory).st_mtime_ns > epoch * _SECOND:
            yield directory, "changed after the epoch"
        for entry in os.scandir(directory):
            info = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(info.st_mode):
                todo.append(entry.path)
            elif info.st_mtime_ns > epoch * _SECOND:
                yield entry.path, "changed after the epoch"
            elif is_stale(entry, epoch):
                yield entry.path, "bytecode does not fit its source"
