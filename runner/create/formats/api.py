# SPDX-License-Identifier: Apache-2.0
"""What a disk format gets and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from runner.create.image import ResultFile
from runner.digest import sha256_file
from runner.plan.formats import DiskFormatPlan

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.inputs import CreateInputs
    from runner.process import LineSink

ROLE = "disk_format_image"
"""KIWI's result key of a disk in any format but raw."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A finished raw disk that is to be converted.

    Attributes:
        raw: the disk; zeros in it are holes. A format may use it up.
        folder: where results go.
        scratch: an empty folder on the same filesystem, which goes afterwards.
    """

    inputs: CreateInputs
    raw: Path
    folder: Path
    scratch: Path
    sink: LineSink | None = None

    @property
    def plan(self) -> DiskFormatPlan:
        return self.inputs.type.disk_format or DiskFormatPlan()

    def path(self, ending: str) -> Path:
        """Return where the result with this ending of its name goes."""
        return self.folder / f"{self.inputs.stem}.{ending}"


class Convert(Protocol):
    """Write the result files of ``disk`` in its folder; the disk itself comes first."""

    def __call__(self, disk: Disk) -> tuple[ResultFile, ...]: ...


def described(path: Path, media_type: str, *, role: str = ROLE, compress: bool = False) -> ResultFile:
    """Describe the finished file at ``path``; ``compress`` as KIWI's bundler wants it."""
    return ResultFile(
        name=path.name,
        role=role,
        media_type=media_type,
        sha256=sha256_file(path),
        size=path.stat().st_size,
        bundle_compress=compress,
    )
