# SPDX-License-Identifier: Apache-2.0
"""Places of bars and lines in drawings that templates write as SVG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.service.jobs.model import PhaseRecord

WIDTH, HEIGHT = 1000, 100
_MARGIN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A phase: from ``left`` over ``width`` of :data:`WIDTH`; ``is_open`` when nobody said that it ended."""

    name: str
    seconds: float
    left: float
    width: float
    cached: bool
    is_open: bool


def timeline(phases: Sequence[PhaseRecord], now: float) -> tuple[Bar, ...]:
    """Return a bar for each phase; one that has no end yet reaches to ``now``."""
    if not phases:
        return ()
    ends = [phase.ended_at or max(now, phase.started_at) for phase in phases]
    began = min(phase.started_at for phase in phases)
    whole = max(max(ends) - began, 0.001)
    return tuple(
        Bar(
            name=phase.name,
            seconds=end - phase.started_at,
            left=round((phase.started_at - began) / whole * WIDTH, 1),
            width=round(max((end - phase.started_at) / whole * WIDTH, 2.0), 1),
            cached=phase.cached,
            is_open=phase.ended_at is None,
        )
        for phase, end in zip(phases, ends, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A line over builds, the oldest on the left; ``dots`` are its corners."""

    dots: tuple[tuple[float, float], ...]
    least: float
    most: float
    newest: float

    @property
    def line(self) -> str:
        return " ".join(f"{x},{y}" for x, y in self.dots)


def chart(values: Sequence[float]) -> Chart | None:
    """Draw ``values``, the oldest first; None for fewer than two."""
    if len(values) < 2:  # noqa: PLR2004  # a line has two ends
        return None
    most = max(*values, 1e-9)
    step, high = (WIDTH - 2 * _MARGIN) / (len(values) - 1), HEIGHT - 2 * _MARGIN
    dots = tuple(
        (round(_MARGIN + index * step, 1), round(HEIGHT - _MARGIN - value / most * high, 1))
        for index, value in enumerate(values)
    )
    return Chart(dots=dots, least=min(values), most=max(values), newest=values[-1])
