# SPDX-License-Identifier: Apache-2.0
"""A release as a directory: its files with their digests, and what its manifest says of them."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.digest import sha256_bytes, sha256_file
from runner.errors import IntegrityError, Location, UsageError
from runner.storage import keys
from runner.storage.records import MAX_MANIFEST, ManifestReference, ManifestView, StoredFile, decode

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST_SUFFIX = ".manifest.json"
ATTESTATION_SUFFIX = ".intoto.jsonl"


@dataclass(frozen=True, slots=True)
class ReleaseFiles:
    """What is to be published: ``files`` by name, the manifest's bytes, and the name of the attestations."""

    directory: Path
    manifest: ManifestReference
    manifest_bytes: bytes
    view: ManifestView
    files: dict[str, StoredFile]
    attestation: str | None


def read_release(directory: Path) -> ReleaseFiles:
    """Digest all files of the release in ``directory`` and hold them against its manifest.

    Raises:
        UsageError: no release, more than one, or something in it that is no plain file.
        IntegrityError: an artifact is missing or not what the manifest says.
    """
    try:
        names = sorted(path.name for path in directory.iterdir())
        manifests = [name for name in names if name.endswith(MANIFEST_SUFFIX)]
        if len(manifests) != 1:
            raise UsageError(
                f"the directory holds {len(manifests) or 'no'} manifests",
                where=Location(directory),
                hint=f"name a directory with one release: its files and one *{MANIFEST_SUFFIX}",
            )
        files = {name: _stored(directory / name) for name in names}
        manifest = (directory / manifests[0]).read_bytes()
    except OSError as error:
        raise UsageError("the release cannot be read", where=Location(directory), why=error.strerror) from error
    reference = ManifestReference(name=manifests[0], sha256=sha256_bytes(manifest), size=len(manifest))
    if len(manifest) > MAX_MANIFEST:
        raise UsageError(
            f"the manifest is larger than {MAX_MANIFEST} bytes", where=Location(directory / manifests[0])
        )
    view = decode(manifest, ManifestView, str(directory / manifests[0]))
    keys.checked_image(view.image.name)
    keys.checked_version(view.image.version)
    if view.build.key is not None:
        keys.checked_digest(view.build.key)
    _hold_against(view, files, directory)
    attestation = manifests[0].removesuffix(MANIFEST_SUFFIX) + ATTESTATION_SUFFIX
    return ReleaseFiles(directory, reference, manifest, view, files, attestation if attestation in files else None)


def _stored(path: Path) -> StoredFile:
    keys.checked_file(path.name)
    mode = path.lstat()
    if not stat.S_ISREG(mode.st_mode):
        raise UsageError(f"{path.name} is no plain file", where=Location(path), hint="a release holds only files")
    return StoredFile(sha256=sha256_file(path), size=mode.st_size)


def _hold_against(view: ManifestView, files: dict[str, StoredFile], directory: Path) -> None:
    for artifact in view.artifacts:
        if files.get(artifact.name) != StoredFile(sha256=artifact.digest.sha256, size=artifact.size):
            raise IntegrityError(
                f"{artifact.name} is {'not what the manifest says' if artifact.name in files else 'missing'}",
                where=Location(directory),
                hint="build again; a release is never changed after it was made",
            )
