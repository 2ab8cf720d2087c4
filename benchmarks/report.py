# SPDX-License-Identifier: Apache-2.0
"""What was measured, as a table for people and as JSON for machines."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases import Case
    from measure import Sample

_MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Result:
    """A case with its runs; without runs, ``why`` it has none."""

    case: Case
    samples: tuple[Sample, ...]
    why: str = ""

    @property
    def wall(self) -> float:
        return statistics.median(sample.wall for sample in self.samples)


@dataclass(frozen=True, slots=True)
class Report:
    results: tuple[Result, ...]
    machine: dict[str, str]

    def ratio(self, result: Result) -> float | None:
        """Median time relative to the reference of the group, which is the group's first case."""
        reference = next(item for item in self.results if item.case.group == result.case.group)
        if result.case.group == "start" or reference is result or not (reference.samples and result.samples):
            return None
        return result.wall / reference.wall

    def kept(self, result: Result) -> str:
        """Whether what is promised of the case holds; empty where nothing is."""
        ratio, words = self.ratio(result), []
        if result.case.limit is not None and ratio is not None:
            words.append(_verdict(ratio, result.case.limit, ""))
        if result.case.seconds is not None and result.samples:
            words.append(_verdict(result.wall, result.case.seconds, " s"))
        return ", ".join(words)

    def markdown(self) -> str:
        """The whole report."""
        facts = [f"| {name} | {value} |" for name, value in self.machine.items()]
        lines = ["| | |", "| --- | --- |", *facts, "", *self._table(), "", *self._phases()]
        return (
            "\n".join([*lines, *(f"\nNot measured: {r.case.name}: {r.why}" for r in self.results if r.why)]) + "\n"
        )

    def json(self) -> dict[str, Any]:
        return {
            "machine": self.machine,
            "results": [
                {
                    "name": result.case.name,
                    "group": result.case.group,
                    "ratio": self.ratio(result),
                    "limit": result.case.limit,
                    "seconds": result.case.seconds,
                    "why": result.why,
                    "runs": [asdict(sample) for sample in result.samples],
                }
                for result in self.results
            ],
        }

    def _table(self) -> list[str]:
        lines = [
            "| | runs | median | fastest | CPU time | peak memory | result | ratio | promise kept |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
        ]
        for result in self.results:
            if not result.samples:
                continue
            samples, ratio = result.samples, self.ratio(result)
            cells = (
                result.case.name,
                str(len(samples)),
                f"{result.wall:.2f} s",
                f"{min(sample.wall for sample in samples):.2f} s",
                f"{statistics.median(sample.cpu for sample in samples):.2f} s",
                f"{max(sample.peak for sample in samples) / _MEGABYTE:.0f} MB",
                f"{samples[-1].output / _MEGABYTE:.1f} MB" if samples[-1].output else "",
                f"{ratio:.2f}" if ratio is not None else "",
                self.kept(result),
            )
            lines.append(f"| {' | '.join(cells)} |")
        return lines

    def _phases(self) -> list[str]:
        told = [result for result in self.results if result.samples and result.samples[0].phases]
        names = list(dict.fromkeys(name for result in told for name in result.samples[0].phases))
        if not told:
            return []
        lines = [
            "| seconds in each phase (medians) | " + " | ".join(names) + " |",
            "| --- |" + " ---: |" * len(names),
        ]
        for result in told:
            cells = [_seconds([sample.phases.get(name) for sample in result.samples]) for name in names]
            lines.append(f"| {result.case.name} | {' | '.join(cells)} |")
        return lines


def machine_facts(tools: Sequence[tuple[str, str]], work: Path) -> dict[str, str]:
    """What decides the numbers: processor, memory, file system, versions."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "?"
    )
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    system = next(
        (
            line.partition("=")[2].strip('"')
            for line in _lines("/etc/os-release")
            if line.startswith("PRETTY_NAME")
        ),
        "?",
    )
    return {
        "processor": f"{len(os.sched_getaffinity(0))} processors: {cpu}",
        "memory": f"{int(memory) / 1e6:.0f} GB",
        "system": f"{system}, Linux {platform.release().partition('-')[0]}, {_filesystem(work)}",
        "load before": " ".join(f"{value:.1f}" for value in os.getloadavg()),
        "tools": ", ".join(f"{name} {version}" for name, version in tools),
    }


def _verdict(value: float, limit: float, unit: str) -> str:
    return f"{'yes' if value <= limit else 'NO'} (≤ {limit:g}{unit})"


def _seconds(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.2f}" if known else ""


def _filesystem(place: Path) -> str:
    mounts = [line.split() for line in _lines("/proc/self/mounts")]
    above = [mount for mount in mounts if place.is_relative_to(mount[1])]
    return max(above, key=lambda mount: len(mount[1]))[2] if above else "?"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return []
