# SPDX-License-Identifier: Apache-2.0
"""Findings as SARIF 2.1.0 (OASIS standard), which code scanning of forges and editors reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from runner import __version__
from runner.description.report.text import path
from runner.description.rules import RULES
from runner.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.description.finding import Finding

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
VERSION = "2.1.0"


def sarif(findings: Sequence[Finding], place: str = "") -> dict[str, Any]:
    """Return the log with one run; ``place`` is the folder of the description in its repository.

    Rules of the schema have no entry of their own among the named rules: one is made from the finding.
    """
    rules = _rules(findings)
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    driver = {"name": "packhouse", "version": __version__, "semanticVersion": __version__, "rules": rules}
    return {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {"SRCROOT": {"description": {"text": "top of the repository"}}},
                "results": [_result(finding, index[finding.id], place) for finding in findings],
            }
        ],
    }


def _rules(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    known = {rule.id: (rule.severity, rule.summary, rule.remedy) for rule in RULES}
    for finding in findings:
        known.setdefault(finding.id, (finding.severity, "The schema of image descriptions says so.", ""))
    return [
        {
            "id": id_,
            "shortDescription": {"text": summary},
            "defaultConfiguration": {"level": severity},
            **({"help": {"text": remedy}} if remedy else {}),
        }
        for id_, (severity, summary, remedy) in known.items()
    ]


def _result(finding: Finding, rule: int, place: str) -> dict[str, Any]:
    text = f"{finding.message}. To fix: {finding.remedy}." if finding.remedy else finding.message
    location = {"artifactLocation": {"uri": quote(path(finding, place)), "uriBaseId": "SRCROOT"}}
    if finding.where and finding.where.line is not None:
        location["region"] = {"startLine": finding.where.line}  # type: ignore[dict-item]
    return {
        "ruleId": finding.id,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
        # Tells the same finding in the next run, also when lines were added above it.
        "partialFingerprints": {"finding/v1": digest_of([finding.id, finding.message, path(finding, place)])},
    }
