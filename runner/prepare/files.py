# SPDX-License-Identifier: Apache-2.0
"""Copies a single ``<file>`` of the description into the image, with the owner and permissions it asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.plan.model import FilePlan
    from runner.prepare.origin import Origin
    from runner.prepare.step import Bench

VERSION = 1


@dataclass(frozen=True, slots=True)
class Inputs:
    """One file. Without a target it goes to the top of the image, under its own name."""

    origin: Origin
    file: FilePlan


def run(inputs: Inputs, bench: Bench) -> None:
    """Copy the file; a target that ends in ``/`` or is a directory is where it goes under its own name.

    Owner and permissions are arguments of chown(1) and chmod(1), run in the image: its user names count.

    Raises:
        DescriptionError: missing, not a file, or outside of the checkout.
        BuildError: the image has no such owner, or the target is in the way.
    """
    file, paths = inputs.file, bench.paths
    source = inputs.origin.file(file.name)
    target = file.target or "/"
    if target.endswith("/") or paths.resolve(target).is_dir():
        target = f"{target}/{source.name}"
    written = paths.inside(paths.write(target, source.read_bytes(), inputs.origin.mode(source)))
    if file.owner:
        bench.run("chown", "--", file.owner, written, what=f"chown {file.owner} of {file.name}")
    if file.permissions:  # after the owner: a new owner clears setuid
        bench.run("chmod", "--", file.permissions, written, what=f"chmod {file.permissions} of {file.name}")
