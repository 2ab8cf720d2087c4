# SPDX-License-Identifier: Apache-2.0
"""Takes packages out of a Debian tree again: ``uninstall`` with what depends on them, then ``delete`` by force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.prepare.paths import TreePaths
    from runner.prepare.step import Bench

VERSION = 1


@dataclass(frozen=True, slots=True)
class Inputs:
    """Names of packages, with ``:arch`` where given."""

    uninstall: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()


def run(inputs: Inputs, bench: Bench) -> None:
    """Remove the packages; those that are not installed are named in a warning.

    Raises:
        BuildError: apt or dpkg refused, or a script of a package failed.
    """
    if names := _present(inputs.uninstall, bench):
        if bench.paths.exists("/usr/bin/apt-get"):
            argv = ["apt-get", "--yes", "--quiet", "--auto-remove", "purge", *names]
        else:
            argv = ["dpkg", "--purge", *names]
        bench.run(*argv, what=f"uninstalling {' '.join(names)}")
    if names := _present(inputs.delete, bench):  # without the checks of dependencies, as KIWI
        bench.run("dpkg", "--remove", "--force-all", *names, what=f"deleting {' '.join(names)}")


def installed(paths: TreePaths) -> frozenset[str]:
    """Return the names of the installed packages, each also with its architecture (dpkg-query(1))."""
    status = paths.resolve("/var/lib/dpkg/status")
    if not status.is_file():
        return frozenset()
    names: set[str] = set()
    for stanza in status.read_text("utf-8", "replace").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status", "").endswith(" installed"):
            names |= {fields["Package"], f"{fields['Package']}:{fields.get('Architecture', 'all')}"}
    return frozenset(names)


def _present(wanted: tuple[str, ...], bench: Bench) -> list[str]:
    there = installed(bench.paths) if wanted else frozenset()
    names = sorted(set(wanted))
    if missing := [name for name in names if name not in there]:
        bench.warn(f"not installed, so not removed: {' '.join(missing)}")
    return [name for name in names if name in there]
