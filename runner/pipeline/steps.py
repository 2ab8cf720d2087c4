# SPDX-License-Identifier: Apache-2.0
"""KIWI's two steps on their own: a tree from a source, an image from a tree."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from runner.errors import UsageError
from runner.packages.lock import Lock
from runner.pipeline.build_log import build_log
from runner.pipeline.images import erase, run_engine, run_job
from runner.pipeline.locking import committed_or_new
from runner.pipeline.refusal import refuse_unsupported
from runner.pipeline.source import open_source
from runner.pipeline.target import staged_target
from runner.plan.model import Plan
from runner.prepare.tree import Tree

if TYPE_CHECKING:
    from runner.create.image import Image
    from runner.pipeline.request import Machine, Selection

T = TypeVar("T")


def prepare(selection: Selection, machine: Machine, root: Path) -> Tree:
    """Make the root tree of ``selection`` in the empty folder ``root``.

    Raises:
        UsageError: ``root`` holds something.
        PackhouseError: whatever stopped it.
    """
    root = root.absolute()
    if root.exists() and any(root.iterdir()):
        raise UsageError(f"{root} is not empty", hint="choose another --root, or remove it first")
    with open_source(selection, machine) as source:
        plan = source.buildable_plan(selection)
        refuse_unsupported(plan)
        lock, _ = committed_or_new(plan, source, machine, selection)
        root.parent.mkdir(parents=True, exist_ok=True)
        try:
            with build_log(machine) as log:
                done, _ = run_engine(plan, lock, source, machine, log.sink, root=root)
        except BaseException:
            erase(root)
            raise
    return Tree(root=root, key=done.tree_key, epoch=lock.epoch)


def create(root: Path, target: Path, machine: Machine) -> Image:
    """Pack the tree that :func:`prepare` made at ``root`` into ``target``. The tree is not changed.

    Raises:
        UsageError: ``root`` was not made by prepare.
    """
    root = root.absolute()
    plan, lock = plan_and_lock(root)
    with (
        staged_target(target) as stage,
        tempfile.TemporaryDirectory(prefix="packhouse-") as nothing,
        build_log(machine) as log,
    ):
        empty = Path(nothing)
        done, _ = run_job(
            plan, lock, machine, log.sink, description=empty, boundary=empty, tree=root, target=stage
        )
    assert done.image is not None  # noqa: S101  # a target was given
    return done.image


def plan_and_lock(root: Path) -> tuple[Plan, Lock]:
    """Return what the tree at ``root`` was made of.

    Raises:
        UsageError: it was not made by :func:`prepare`.
    """
    return _read(root, "plan.json", Plan), _read(root, "lock.json", Lock)


def _read(root: Path, name: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode((root / "image" / name).read_bytes(), type=kind)
    except OSError as error:
        raise UsageError(
            f"{root} is not a tree made by packhouse prepare", why=f"image/{name} cannot be read: {error.strerror}"
        ) from error
    except msgspec.DecodeError as error:
        raise UsageError(f"{root}/image/{name} is damaged", why=str(error)) from error
