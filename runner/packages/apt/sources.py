# SPDX-License-Identifier: Apache-2.0
"""One repository as apt's configuration has it: a stanza of a ``.sources`` file (sources.list(5), deb822)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.errors import ResolveError

if TYPE_CHECKING:
    from runner.plan.model import RepositoryPlan

_UNSAFE = re.compile(r"[\s\x00-\x1f\x7f\[\]\"\\]")


def stanza(plan: RepositoryPlan, url: str, *, signed_by: str = "") -> str:
    """Return the stanza for ``plan`` at ``url``; ``signed_by`` is a path inside the system, or keys in armour.

    Raises:
        ResolveError: a word would end its field and start another, or another repository.
    """
    for word in (url, plan.alias, plan.distribution, *plan.components, *plan.architectures):
        if _UNSAFE.search(word):
            raise ResolveError(f"repository {plan.alias!r}: {word!r} holds a character that cannot be in it")
    if not url or "/" in plan.alias:
        raise ResolveError(
            f"repository {plan.alias!r}: an alias must not contain a slash, an address not be empty"
        )
    fields = {
        "Types": "deb",
        "URIs": url,
        "Suites": plan.distribution or "./",
        # A suite that is a path has no components (sources.list(5)).
        "Components": ""
        if not plan.distribution or plan.distribution.endswith("/")
        else " ".join(plan.components),
        "Architectures": " ".join(plan.architectures),
        "Trusted": "" if plan.verify else "yes",
        "Signed-By": _folded(signed_by) if plan.verify else "",
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def _folded(value: str) -> str:
    """A value of several lines: each further one is indented, an empty one is a dot (deb822(5))."""
    first, *rest = value.split("\n")
    return "\n".join(["", *(f" {line or '.'}" for line in (first, *rest))]) if rest else first
