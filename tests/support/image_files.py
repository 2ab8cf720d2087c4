# SPDX-License-Identifier: Apache-2.0
"""Look at the folder that a build left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from runner.digest import sha256_file

if TYPE_CHECKING:
    from pathlib import Path

_OF_THE_RUN = (".manifest.json", ".intoto.jsonl", ".sigstore.json", ".log")
"""Files that tell of one run: times, ids. All others are promised to be equal."""


def manifest_of(directory: Path) -> dict[str, Any]:
    (path,) = directory.glob("*.manifest.json")
    manifest: dict[str, Any] = json.loads(path.read_bytes())
    return manifest


def reproducible(directory: Path) -> dict[str, str]:
    """Name and digest of every file that another build of the same must give byte for byte."""
    files = {path.name: sha256_file(path) for path in directory.iterdir() if not path.name.endswith(_OF_THE_RUN)}
    assert len(files) >= 4, sorted(files)
    return files


def only(directory: Path, suffix: str) -> Path:
    """The one file whose name ends so."""
    (path,) = (path for path in directory.iterdir() if path.name.endswith(suffix))
    return path
