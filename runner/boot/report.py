# SPDX-License-Identifier: Apache-2.0
"""The report of a boot test as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.boot.model import BootReport


def report_text(report: BootReport) -> str:
    """Return what a script printed, and how long each stage took."""
    lines = [*report.script_output]
    ends = [*(passed.seconds for passed in report.timeline[1:]), None]
    for passed, end in zip(report.timeline, ends, strict=True):
        took = "" if end is None else f"{end - passed.seconds:8.2f} s"
        lines.append(f"{passed.seconds:8.2f} s  {passed.stage:<10} {took}".rstrip())
    if report.script_exit is not None:
        lines.append(f"{report.seconds:8.2f} s  script ended with {report.script_exit}")
    return "\n".join(lines)
