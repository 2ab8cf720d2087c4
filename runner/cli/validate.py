# SPDX-License-Identifier: Apache-2.0
"""``packhouse validate``: everything wrong or doubtful in a description at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.options import Session, selection, source_options
from runner.cli.output import print_error
from runner.errors import HostError, PackhouseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.description.finding import Finding

FORMS = ("text", "json", "sarif", "github")
_FOUND, _UNREADABLE = 1, 2


@click.command()
@source_options
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    help="Lines for people, JSON, SARIF 2.1.0 for code scanning, or commands of GitHub Actions.",
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file.")
@click.option("--strict", is_flag=True, help="Warnings fail as errors do.")
@click.pass_obj
def validate(session: Session, /, form: str | None, output: Path | None, strict: bool, **source: Any) -> None:  # noqa: FBT001
    """List everything wrong or doubtful in a description.

    Ends with 0 when there is no error, with 1 when there is one, and with 2 when the source or its description
    cannot be read at all.
    """
    try:
        findings = _findings(session, source)
    except PackhouseError as error:
        print_error(session.style, error)
        raise click.exceptions.Exit(_UNREADABLE) from None
    form = form or ("json" if session.style.json else "text")
    _write(_rendered(form, findings, _place(source)), output, quiet=session.style.quiet and form == "text")
    bad = {"error", "warning"} if strict else {"error"}
    if any(finding.severity in bad for finding in findings):
        raise click.exceptions.Exit(_FOUND)


def _findings(session: Session, source: dict[str, Any]) -> list[Finding]:
    from runner.description.finding import InvalidDescriptionError
    from runner.description.rules import check
    from runner.pipeline.source import open_source

    chosen = selection(**source)
    try:
        with open_source(chosen, session.machine(source=source["source"])) as opened:
            return check(opened.description, arch=chosen.arch)
    except InvalidDescriptionError as error:
        return list(error.findings)
    finally:
        session.reporter.close()


def _place(source: dict[str, Any]) -> str:
    """The folder of the description: seen from here, or in the repository that is far away."""
    subdir = source.get("subdir") or ""
    if Path(source["source"]).is_dir():
        return os.path.relpath(Path(source["source"]) / subdir)
    return str(subdir).strip("/")


def _rendered(form: str, findings: Sequence[Finding], place: str) -> str:
    from runner.description.report import github, sarif, text

    match form:
        case "json":
            return _json(_listed(findings))
        case "sarif":
            return _json(sarif.sarif(findings, place))
        case "github":
            return github.github(findings, place)
        case _:
            return text.text(findings, place)


def _json(value: Any) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False)


def _listed(findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "valid": not any(finding.severity == "error" for finding in findings),
        "findings": [
            {
                "id": finding.id,
                "severity": finding.severity,
                "message": finding.message,
                "file": str(finding.where.file) if finding.where else None,
                "line": finding.where.line if finding.where else None,
                "remedy": finding.remedy,
            }
            for finding in findings
        ],
    }


def _write(content: str, output: Path | None, *, quiet: bool) -> None:
    if output is None:
        if content and not quiet:
            click.echo(content)
        return
    try:
        output.write_text(f"{content}\n", encoding="utf-8")
    except OSError as error:
        raise HostError(f"cannot write {output}", why=error.strerror) from error
