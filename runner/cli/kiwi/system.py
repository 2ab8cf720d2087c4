# SPDX-License-Identifier: Apache-2.0
"""``system prepare``, ``create`` and ``build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.cli.kiwi.choice import choice
from runner.cli.kiwi.result import show
from runner.cli.output import print_result

if TYPE_CHECKING:
    from runner.cli.kiwi.asked import Asked
    from runner.cli.options import Session


def prepare_system(session: Session, asked: Asked, *, source: str, root: str, **options: Any) -> None:
    """Make a root tree."""
    from runner.pipeline.steps import prepare

    machine = session.machine(source=source, use_layers=not options.pop("clear_cache"))
    tree = prepare(choice(asked, source, **options), machine, Path(root))
    body = {"root": str(tree.root), "key": tree.key, "epoch": tree.epoch}
    print_result(session.style, body, f"root tree: {tree.root}")


def create_system(session: Session, asked: Asked, *, root: str, target_dir: str) -> None:  # noqa: ARG001
    """Pack a tree: which image is decided when it is prepared."""
    from runner.pipeline.steps import create

    create(Path(root), Path(target_dir), session.machine())
    show(session.style, Path(target_dir))


def build_system(session: Session, asked: Asked, *, source: str, target_dir: str, **options: Any) -> None:
    """Make a tree and pack it."""
    from runner.pipeline.build import build
    from runner.pipeline.request import BuildOptions

    machine = session.machine(source=source, use_layers=not options.pop("clear_cache"))
    wanted = BuildOptions(target=Path(target_dir), max_size=asked.runtime.max_size)
    build(choice(asked, source, **options), machine, wanted)
    show(session.style, Path(target_dir))
