# SPDX-License-Identifier: Apache-2.0
"""Prints ``docs/rules.md`` from the rules: ``python -m runner.description.rules.document``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from runner.description.rules import DOMAINS

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = """\
<!-- Made by: python -m runner.description.rules.document. Change runner/description/rules/ instead. -->
# Rules

`packhouse validate SOURCE` checks a description against the [schema](reference/README.md) and these rules, and
lists all findings at once. An **error** also stops `build`, `prepare` and `lock` where it counts for the chosen
profiles and type; a **warning** and a **note** stop nothing, and `plan` and `matrix` go on over all. Where KIWI
has the same check, the rule has its name.

`--format sarif` writes SARIF 2.1.0 for code scanning, `--format github` comments on the lines of a pull request,
`--format json` (or `--json`) is for programs; `--strict` lets warnings fail as well. The command ends with 0 when
there is no error, with 1 when there is one, and with 2 when the description cannot be read.
"""


def document() -> str:
    """Return the page."""
    return "\n".join([HEAD, *(line for domain in DOMAINS for line in _domain(domain.__doc__ or "", domain.RULES))])


def _domain(title: str, rules: object) -> Iterator[str]:
    assert isinstance(rules, tuple)  # noqa: S101  # every domain has them
    yield f"## {title.strip().removesuffix('.')}\n"
    yield "| rule | severity | why | what to do |"
    yield "| --- | --- | --- | --- |"
    for rule in rules:
        yield f"| `{rule.id}` | {rule.severity} | {_cell(rule.summary)} | {_cell(rule.remedy)} |"
    yield ""


def _cell(text: str) -> str:
    return " ".join(text.replace("``", "`").replace("|", "\\|").replace("<", "&lt;").split())


if __name__ == "__main__":
    sys.stdout.write(document())
