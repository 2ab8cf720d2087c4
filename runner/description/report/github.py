# SPDX-License-Identifier: Apache-2.0
"""Findings as workflow commands of GitHub Actions: they appear beside the lines of a pull request.

Source: GitHub's documentation, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.report.text import path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.description.finding import Finding

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def github(findings: Iterable[Finding], place: str = "") -> str:
    """Return a command for each finding; ``place`` is the folder of the description in its repository."""
    return "\n".join(_command(finding, place) for finding in findings)


def _command(finding: Finding, place: str) -> str:
    told = {"file": path(finding, place), "title": finding.id}
    if finding.where and finding.where.line is not None:
        told["line"] = str(finding.where.line)
    properties = ",".join(f"{name}={_property(value)}" for name, value in told.items())
    message = f"{finding.message}\nto fix: {finding.remedy}" if finding.remedy else finding.message
    return f"::{_COMMANDS[finding.severity]} {properties}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
