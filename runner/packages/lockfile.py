# SPDX-License-Identifier: Apache-2.0
"""The lock file beside a description: reading, choosing the lock of a plan, writing one package a line."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.errors import ResolveError
from runner.packages.lock import LOCK_FILE, Lock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.plan.model import Plan

_SCHEMA = "urn:packhouse:schema:lock:v1"


class LockFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All locks of one description, one for each different package request."""

    schema: str = _SCHEMA
    locks: tuple[Lock, ...] = ()

    def lock_for(self, request_digest: str) -> Lock | None:
        return next((lock for lock in self.locks if lock.request == request_digest), None)

    def with_lock(self, lock: Lock) -> LockFile:
        """A lock file in which ``lock`` answers its request."""
        others = [other for other in self.locks if other.request != lock.request]
        return LockFile(locks=tuple(sorted([*others, lock], key=lambda each: (each.arch, each.request))))

    def only(self, requests: Iterable[str]) -> LockFile:
        """A lock file without the locks of requests nobody makes any more."""
        wanted = set(requests)
        return LockFile(locks=tuple(lock for lock in self.locks if lock.request in wanted))


def parse(data: bytes, *, where: Path | str = LOCK_FILE) -> LockFile:
    """Read a lock file.

    Raises:
        ResolveError: it is not one; tells the path of the wrong field.
    """
    try:
        file = msgspec.json.decode(data, type=LockFile)
    except msgspec.DecodeError as error:
        raise ResolveError(
            "the lock file cannot be read",
            where=str(where),
            why=str(error),
            hint="make it anew: packhouse lock SOURCE",
        ) from error
    if file.schema != _SCHEMA:
        raise ResolveError(
            f"the lock file has schema {file.schema!r}",
            where=str(where),
            why=f"this version reads {_SCHEMA}",
            hint="make it anew: packhouse lock SOURCE --update",
        )
    return file


def load(directory: Path) -> LockFile | None:
    """The lock file beside a description, None when there is none."""
    path = directory / LOCK_FILE
    if not path.exists():
        return None
    return parse(path.read_bytes(), where=path)


def lock_of_plan(directory: Path, plan: Plan, given: LockFile | None = None) -> Lock | None:
    """The lock that answers ``plan`` in the file ``given``, else in that of ``directory``; None without a file.

    Raises:
        ResolveError: there is a lock file and it does not answer the plan: a build obeys its lock or stops.
    """
    file = given or load(directory)
    if file is None:
        return None
    lock = file.lock_for(plan.packages.digest)
    if lock is None:
        raise ResolveError(
            "the lock file does not fit the description",
            where=None if given else str(directory / LOCK_FILE),
            why="repositories, package lists or architecture changed since it was made",
            hint="refresh it with: packhouse lock SOURCE --update",
        )
    return lock


def render(file: LockFile) -> bytes:
    """The lock file's text: sorted keys, two blanks of indent, one package (repository, tool) a line."""
    body = ",\n".join(_render_lock(lock) for lock in file.locks)
    return f'{{\n  "schema": {json.dumps(file.schema)},\n  "locks": [\n{body}\n  ]\n}}\n'.encode()


def _render_lock(lock: Lock) -> str:
    fields = msgspec.to_builtins(lock)
    lines = []
    for name in sorted(fields):
        value = fields[name]
        if name in {"packages", "repositories", "toolchain"}:
            items = ",\n".join(f"        {json.dumps(item, sort_keys=True)}" for item in value)
            lines.append(
                f"      {json.dumps(name)}: [\n{items}\n      ]" if items else f"      {json.dumps(name)}: []"
            )
        else:
            lines.append(f"      {json.dumps(name)}: {json.dumps(value, sort_keys=True)}")
    return "    {\n" + ",\n".join(lines) + "\n    }"


def write(directory: Path, file: LockFile) -> Path:
    """Write the lock file beside a description in one step."""
    path = directory / LOCK_FILE
    descriptor, name = tempfile.mkstemp(prefix=f".{LOCK_FILE}-", dir=directory)
    staged = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(render(file))
            os.fchmod(stream.fileno(), 0o644)
        staged.rename(path)
    finally:
        staged.unlink(missing_ok=True)
    return path
