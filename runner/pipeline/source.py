# SPDX-License-Identifier: Apache-2.0
"""From a source to a plan: clone, load, choose."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.description.loader import load
from runner.packages.credentials import Credentials
from runner.pipeline.phases import phase
from runner.plan.make import make_plan
from runner.plan.overrides import repositories_as_wanted
from runner.plan.repositories import written_login
from runner.sources.api import checkout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.description.model.description import Description
    from runner.errors import Location
    from runner.pipeline.request import Machine, Selection
    from runner.plan.matrix import Matrix
    from runner.plan.model import Plan
    from runner.sources.checkout import Checkout


@dataclass(frozen=True, slots=True)
class Source:
    """An open source: it lies on this machine as long as the block that opened it runs."""

    checkout: Checkout
    description: Description
    repository_map: tuple[tuple[str, str], ...] = ()

    def plan(self, selection: Selection) -> Plan:
        """Make every choice the selection leaves open."""
        return make_plan(
            self.description,
            profiles=selection.profiles,
            type_name=selection.type_name,
            arch=selection.arch,
            allow_unsigned=selection.allow_unsigned,
            overrides=selection.overrides.with_map(self.repository_map),
        )

    def buildable_plan(self, selection: Selection) -> Plan:
        """Plan what is to be built, and stop where a rule finds an error in what counts for it.

        Raises:
            InvalidDescriptionError: the errors.
        """
        from runner.description.rules import refuse_errors
        from runner.plan.overrides import overridden
        from runner.plan.select import select

        plan = self.plan(selection)
        chosen = select(
            self.description, profiles=selection.profiles, type_name=selection.type_name, arch=selection.arch
        )
        refuse_errors(self.description, overridden(chosen, selection.overrides.with_map(self.repository_map)))
        return plan

    def place(self, selection: Selection) -> Location:
        """Return where the selected type stands in the description."""
        from runner.plan.select import select

        chosen = select(
            self.description, profiles=selection.profiles, type_name=selection.type_name, arch=selection.arch
        )
        return chosen.image_type.at

    def credentials(self, selection: Selection, env: Mapping[str, str]) -> Credentials:
        """Gather the logins of all repositories: a plan only knows which of them need one."""
        overrides = selection.overrides.with_map(self.repository_map)
        entries = repositories_as_wanted(self.description.repositories, overrides)
        return Credentials.of(env, (written_login(entry) for entry in entries))

    def matrix(self, selection: Selection) -> Matrix:
        """Plan every image the description can give, or those of the profiles or the type that were chosen."""
        from runner.plan.matrix import make_matrix

        return make_matrix(
            self.description,
            profiles=selection.profiles,
            type_name=selection.type_name,
            arch=selection.arch,
            overrides=selection.overrides.with_map(self.repository_map),
        )


@contextlib.contextmanager
def open_source(selection: Selection, machine: Machine) -> Iterator[Source]:
    """Bring the source here and read its description.

    Raises:
        SourceError: it cannot be had.
        DescriptionError: its description cannot be read.
    """
    with machine.store.scratch("source") as work:
        with phase(machine.reporter, "source") as detail:
            place = checkout(
                selection.source,
                ref=selection.ref,
                subdir=selection.subdir,
                work=work,
                log=machine.reporter.line,
                env=machine.env,
            )
            detail.text = place.commit[:12] if place.commit else "not under version control"
        description = load(place.directory, selection.kiwi_file, boundary=place.work_tree)
        yield Source(place, description, machine.repository_map)
