# SPDX-License-Identifier: Apache-2.0
"""Recognise that a target already holds the very build that is asked for: then nothing has to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.digest import sha256_bytes
from runner.errors import PackhouseError
from runner.release.dsse import parse_envelope
from runner.release.files import ReleaseNames
from runner.release.manifest import decode_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from runner.pipeline.build import Built
    from runner.pipeline.request import BootGate
    from runner.plan.model import Plan


def find(target: Path, key: str, plan: Plan, *, keyid: str | None, gate: BootGate | None = None) -> Built | None:
    """Return the build in ``target`` if it has ``key`` and all its files by name and size.

    Content is not read again: ``packhouse verify`` does that. ``keyid`` names the key it must be signed with, None
    means that it must not be signed. ``gate`` is the boot test that it must have passed.
    """
    from runner.pipeline.build import Built

    names = ReleaseNames(plan.stem)
    path = target / names.manifest
    try:
        data = path.read_bytes()
        manifest = decode_manifest(data, where=str(path))
    except (OSError, PackhouseError):
        return None
    signed = keyid is not None
    if manifest.build.key != key or _signer_of(target / names.attestations) != keyid:
        return None
    if gate is not None:
        from runner.pipeline.boot_gate import passed_before

        if not passed_before(gate, manifest.boot):
            return None
    files = {artifact.name: artifact.size for artifact in manifest.artifacts}
    files |= {log.name: log.size for log in manifest.logs}
    for name, size in files.items():
        try:
            if (target / name).stat().st_size != size:
                return None
        except OSError:
            return None
    present = {*files, *(names.around if signed else names.around - names.signatures)}
    return Built(
        directory=target,
        plan=plan,
        manifest_name=names.manifest,
        manifest_digest=sha256_bytes(data),
        files=tuple(sorted(name for name in present if (target / name).exists())),
        signed=signed,
        unchanged=True,
    )


def _signer_of(path: Path) -> str | None:
    try:
        return parse_envelope(path.read_bytes().splitlines()[0]).signatures[0].keyid
    except (OSError, IndexError, PackhouseError):
        return None
