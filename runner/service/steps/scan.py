# SPDX-License-Identifier: Apache-2.0
"""Look through a commit for descriptions and the images they can give.

It runs in a process of its own, as every step does: descriptions are other people's input.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.description.find import find_kiwi_file
from runner.description.loader import load
from runner.errors import DescriptionError, PackhouseError
from runner.plan.matrix import make_matrix
from runner.service.config.own_file import read_own_file, with_own_file
from runner.service.jobs.model import ImageKey
from runner.service.steps.order import Scanned, ScannedDescription
from runner.sources.api import checkout
from runner.sources.signatures import require_signed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.pipeline.request import Machine
    from runner.plan.matrix import Matrix, MatrixEntry
    from runner.service.steps.order import ScanOrder
    from runner.sources.checkout import Checkout

_DEEPEST = 8
_MOST = 2000
"""Descriptions in one repository."""


def scan(order: ScanOrder, machine: Machine) -> Scanned:
    """Return the descriptions at the commit of ``order``; those that are known already without their images.

    Raises:
        SourceError: the commit cannot be had.
        VerificationError: it is not signed as it should be.
        ConfigError: its own file is wrong.
        DescriptionError: the repository has more descriptions than anybody could want built.
    """
    url, say = order.settings.url, machine.reporter.line
    with machine.store.scratch("scan") as work:
        place = checkout(url, ref=order.commit, work=work, log=say, env=machine.env)
        if order.allowed_signers is not None:
            require_signed(work / "source.git", order.commit, order.allowed_signers)
        own = read_own_file(place.work_tree) if order.settings.own_file else None
        order = msgspec.structs.replace(order, settings=with_own_file(order.settings, own))
        folders = _folders(place.work_tree, order.settings.descriptions)
        found = tuple(_look_at(folder, order, place) for folder in folders)
    return Scanned(descriptions=found, own=own)


def _folders(top: Path, patterns: tuple[str, ...]) -> Iterator[str]:
    """Yield the folders below ``top`` that have a description, sorted; no link is followed."""
    count = 0
    for parent, names, _ in os.walk(top):
        here = Path(parent)
        names[:] = sorted(name for name in names if not name.startswith("."))
        if len(here.relative_to(top).parts) >= _DEEPEST:
            names.clear()
        subdir = here.relative_to(top).as_posix()
        if not any(_fits(subdir, pattern) for pattern in patterns) or not _has_description(here):
            continue
        names.clear()  # what lies inside a description is part of it
        count += 1
        if count > _MOST:
            raise DescriptionError(
                f"the repository has more than {_MOST} descriptions", hint="name those to build"
            )
        yield subdir


def _fits(subdir: str, pattern: str) -> bool:
    return pattern in {"**", "*"} or fnmatchcase(subdir, pattern.removesuffix("/"))


def _has_description(folder: Path) -> bool:
    try:
        find_kiwi_file(folder)
    except DescriptionError:
        return False
    return True


def _look_at(subdir: str, order: ScanOrder, place: Checkout) -> ScannedDescription:
    try:
        description = load(place.work_tree / subdir, boundary=place.work_tree)
    except PackhouseError as error:
        return ScannedDescription(subdir=subdir, digest=order.commit, problems=(str(error),))
    if order.known.get(subdir) == description.digest:
        return ScannedDescription(subdir=subdir, digest=description.digest)
    matrices = [
        make_matrix(description, profiles=profiles, arch=order.arch)
        for profiles in order.settings.images.profiles or ((),)
    ]
    chosen = tuple(_chosen(matrices, order))
    return ScannedDescription(
        subdir=subdir,
        digest=description.digest,
        images=tuple(_image(entry, subdir, order) for entry in chosen if entry.supported),
        problems=tuple(
            [f"{entry.id}: {why}" for entry in chosen if not entry.supported for why in entry.why]
            + [f"{refused.type}: {refused.why}" for matrix in matrices for refused in matrix.refused]
        ),
    )


def _chosen(matrices: list[Matrix], order: ScanOrder) -> Iterator[MatrixEntry]:
    types = order.settings.images.types
    for entry in (entry for matrix in matrices for entry in matrix.include):
        if not types or entry.type in types:
            yield entry


def _image(entry: MatrixEntry, subdir: str, order: ScanOrder) -> ImageKey:
    return ImageKey(
        repository=order.name,
        subdir=subdir,
        profiles=entry.profiles,
        type_name=entry.type,
        arch=order.arch,
    )
