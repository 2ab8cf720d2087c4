# SPDX-License-Identifier: Apache-2.0
"""``oci:FORMAT`` and ``docker:FORMAT``: a disk in ``/disk`` of a container, which a registry can then keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.create import docker, oci
from runner.create.formats.api import ROLE

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.image import ResultFile
    from runner.create.inputs import CreateInputs

FOLDER = "disk"
TOOLS = oci.BUILDER.tools

_PACK = {"docker": docker.pack, "oci": oci.pack}


def wrap(inputs: CreateInputs, wrapper: str, root: Path, folder: Path) -> tuple[ResultFile, ...]:
    """Pack the tree at ``root``, which holds nothing but the files of a disk, as a container in ``folder``."""
    for path in (root, root / FOLDER):
        path.chmod(0o755)
    for path in (root / FOLDER).iterdir():
        path.chmod(0o644)
    return tuple(replace(file, role=ROLE) for file in _PACK[wrapper](inputs, root, folder))
