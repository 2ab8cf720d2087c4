# SPDX-License-Identifier: Apache-2.0
"""What a proposed change says of itself, in Markdown; names of packages and folders in it may be hostile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.service.forges.report import one_line

if TYPE_CHECKING:
    from runner.service.jobs.model import JobRequest

_LONGEST_LINE = 300


def proposal_text(changes: str, request: JobRequest, job: str) -> str:
    """Return the body: ``changes`` has a line for each package, ``job`` is the address of its page, or empty."""
    built = f"`{one_line(str(request.image), _LONGEST_LINE).replace('`', '')}`"
    where = f" in [this job]({job})" if job else ""
    lines = [
        f"With the packages of this lock {built} was built at {request.commit}{where}.",
        "",
        _fenced(changes),
        "",
        "Merging it has every further build of these commits use the same packages. It is brought up to date",
        "for as long as it is open; do not push to its branch.",
    ]
    return "\n".join(lines)


def _fenced(text: str) -> str:
    """Put ``text`` where nothing in it is markup."""
    lines = ("".join(each if each.isprintable() else " " for each in line) for line in text.splitlines())
    clean = "\n".join(line[:_LONGEST_LINE] for line in lines)
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", clean))])
    return f"{fence}diff\n{clean}\n{fence}"
