# SPDX-License-Identifier: Apache-2.0
"""A workshop as the engine gives it to builders, outside of the engine."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from runner.copy_tree import copy_tree
from runner.create.registry import Workshop
from runner.engine.overlay import stack
from runner.sandbox.choose import choose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Shelf:
    """Parts that are made once, in ``folder``; ``made`` counts how often one was.

    ``layered`` says how trees are viewed: through an overlay, or as copies, where none can be mounted.
    """

    folder: Path
    layered: bool = True
    made: list[str] = field(default_factory=list)

    def workshop(self) -> Workshop:
        return Workshop(choose(), self._once, self._view)

    def _once(self, name: str, key: str, make: Callable[[Path], None]) -> Path:
        place = self.folder / f"{name}-{key}"
        if not place.exists():
            place.mkdir(parents=True)
            make(place)
            self.made.append(key)
        return place

    @contextmanager
    def _view(self, root: Path) -> Iterator[Path]:
        with TemporaryDirectory(dir=self.folder.parent) as work:
            if not self.layered:
                copy_tree(root, Path(work))
                yield Path(work)
                return
            tree = stack([root], Path(work))
            assert tree.upper is not None
            try:
                yield tree.merged
            finally:
                tree.close()
