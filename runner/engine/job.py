# SPDX-License-Identifier: Apache-2.0
"""What is said between the command and the engine: one job in, a stream of events out."""

from __future__ import annotations

from pathlib import Path

import msgspec

from runner import errors
from runner.create.image import Image
from runner.errors import PackhouseError
from runner.packages.lock import Lock
from runner.plan.model import Plan
from runner.sandbox.api import Isolation
from runner.store.eviction import DEFAULT_CAP

_ERRORS = {
    cls.__name__: cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, PackhouseError)
}


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the engine needs.

    Attributes:
        description: folder of the description; only read.
        boundary: the checkout around it, which nothing of it may lead out of.
        git_modes: take only what git records of permissions from the description's files.
        description_text: the upgraded description, which goes into the tree's ``image/`` folder.
        store: root of the local store.
        work: an empty folder on the store's file system, all this job's own.
        tree: a prepared root tree to create from instead of preparing one.
        root: prepare's result goes here (``prepare`` command); must be empty.
        target: result files go here; None for prepare alone.
        use_layers: take finished layers from the store; off for a cold build.
        store_size: bytes the store may hold afterwards.
        timeout: seconds the job may take.
    """

    plan: Plan
    lock: Lock
    description: Path
    boundary: Path
    git_modes: bool
    description_text: str
    store: Path
    work: Path
    tree: Path | None = None
    root: Path | None = None
    target: Path | None = None
    use_layers: bool = True
    store_size: int = DEFAULT_CAP
    timeout: float = 3600.0


class LogLine(msgspec.Struct, frozen=True, tag="log"):
    """One line of a tool's or script's output."""

    line: str


class Phase(msgspec.Struct, frozen=True, tag="phase", kw_only=True):
    """A phase ended. ``seconds`` of wall clock; ``cached`` when its result came from the store."""

    name: str
    seconds: float
    cached: bool = False


class Started(msgspec.Struct, frozen=True, tag="started"):
    """A phase begins."""

    name: str


class Warned(msgspec.Struct, frozen=True, tag="warning"):
    """Something the user should know that does not stop the build."""

    text: str


class Failed(msgspec.Struct, frozen=True, tag="failed", kw_only=True):
    """The build failed with an error of :mod:`runner.errors`."""

    error: str
    what: str
    where: str | None = None
    why: str | None = None
    hint: str | None = None
    log_tail: tuple[str, ...] = ()


def failed(error: PackhouseError) -> Failed:
    """Put ``error`` into words that another process can read."""
    return Failed(
        error=type(error).__name__,
        what=error.what,
        where=str(error.where) if error.where else None,
        why=error.why,
        hint=error.hint,
        log_tail=error.log_tail,
    )


def internal_error(error: Exception) -> Failed:
    """Call a bug what it is."""
    what = f"internal error: {type(error).__name__}: {error}"
    return Failed(error="BuildError", what=what, hint="this is a bug; its traceback is in the log (-v)")


def raised(said: Failed) -> PackhouseError:
    """Return the error that another process told of."""
    cls = _ERRORS.get(said.error, errors.BuildError)
    return cls(said.what, where=said.where, why=said.why, hint=said.hint, log_tail=said.log_tail)


class Finished(msgspec.Struct, frozen=True, tag="finished", kw_only=True):
    """The job is done."""

    tree_key: str
    isolation: Isolation
    image: Image | None = None


Event = LogLine | Phase | Started | Warned | Failed | Finished


def encode_job(job: Job) -> bytes:
    """Encode ``job`` as JSON, paths as strings."""
    return msgspec.json.encode(job, enc_hook=str)


def decode_job(data: bytes) -> Job:
    """Decode what :func:`encode_job` made."""
    return msgspec.json.decode(data, type=Job, dec_hook=lambda kind, value: kind(value))
