# SPDX-License-Identifier: Apache-2.0
"""A machine to work on below one folder, and a reporter that only remembers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from runner.packages.mirrors import Mirrors
from runner.pipeline.request import Machine
from runner.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from runner.packages.fetch import Progress


@dataclass(frozen=True, slots=True)
class Memory:
    """Remembers phases, warnings and lines."""

    phases: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def started(self, phase: str) -> None:
        self.phases.append(phase)

    def finished(self, phase: str, seconds: float, *, cached: bool = False, detail: str = "") -> None:
        pass

    def fetched(self, progress: Progress) -> None:
        pass

    def line(self, text: str) -> None:
        self.lines.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def machine_at(folder: Path, reporter: Memory | None = None, **changes: Any) -> Machine:
    """Return a machine with its store in ``folder``."""
    made = Machine(store=Store(folder / "store"), mirrors=Mirrors(), reporter=reporter or Memory())
    return replace(made, **changes)
