# SPDX-License-Identifier: Apache-2.0
"""``.packhouse.yaml`` in a repository: what its owners decide, put over what the runner's owner allows.

Whoever may push writes it, so it is small, read with the same care as a description, and says nothing about
secrets, destinations, limits, or what runs outside the sandbox.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.service.config.document import Bounds, read_document
from runner.service.config.load import fitted
from runner.service.config.model import OwnFile, Schedule
from runner.service.config.problem import ConfigError, Problem
from runner.service.config.shape import Shape
from runner.service.config.small_file import read_small_file

if TYPE_CHECKING:
    from runner.service.config.model import Repository

NAME = ".packhouse.yaml"

BOUNDS = Bounds(size=64 << 10, values=1000)


def parse_own_file(data: bytes) -> OwnFile:
    """Read the file's content.

    Raises:
        ConfigError: with everything that is wrong.
    """
    return fitted(read_document(data, NAME, BOUNDS), OwnFile, Shape(Path()), NAME)


def read_own_file(top: Path) -> OwnFile | None:
    """Read the file of a checked out repository; None where there is none.

    Raises:
        ConfigError: with everything that is wrong; a link, which could lead out of the repository, is.
    """
    try:
        data = read_small_file(top / NAME, BOUNDS.size, follow=False)
    except FileNotFoundError:
        return None
    except OSError:
        raise ConfigError(NAME, [Problem((), "must be a file, and no link")]) from None
    return parse_own_file(data)


def with_own_file(repository: Repository, own: OwnFile | None) -> Repository:
    """Return ``repository`` as its own file changes it, if it may."""
    if own is None or not repository.own_file:
        return repository
    return msgspec.structs.replace(
        repository,
        descriptions=repository.descriptions if own.descriptions is None else own.descriptions,
        images=repository.images if own.images is None else own.images,
        schedules=_schedules(repository.schedules, nightly=own.nightly),
    )


def _schedules(schedules: tuple[Schedule, ...], *, nightly: bool | None) -> tuple[Schedule, ...]:
    if nightly is None:
        return schedules
    others = tuple(schedule for schedule in schedules if not _is_nightly(schedule))
    if not nightly:
        return others
    return schedules if others != schedules else (*schedules, Schedule(nightly=True))


def _is_nightly(schedule: Schedule) -> bool:
    return schedule.nightly or schedule.name == "nightly"
