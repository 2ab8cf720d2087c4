# SPDX-License-Identifier: Apache-2.0
"""What the release stage is told: the values of the stages before it and the facts of this one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from runner.create.image import Image
    from runner.packages.lock import Lock, Tool
    from runner.plan.model import Plan
    from runner.release.changes import Previous
    from runner.release.manifest import BootTested, Host, Identity, Isolation, Manifest, Trigger
    from runner.sources.checkout import Checkout

SELF_HOSTED = "urn:packhouse:builder:self-hosted:v1"
"""Builder id of a runner on one's own machine. Another mode of running must use another id (SLSA)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildFacts:
    """One run of the builder.

    Attributes:
        build_id: unique for this attempt; it is on every log line.
        build_key: digest of a :class:`runner.release.buildkey.BuildKey`.
        started, finished: with a time zone.
        isolation, identity: how scripts and packages were run.
        toolchain: packing tools used.
        skipped_checks: every check that somebody switched off, by name.
        exceptions: why an artifact is not covered by the promise of equal bytes.
    """

    build_id: str
    build_key: str
    started: datetime
    finished: datetime
    isolation: Isolation
    identity: Identity
    runner_version: str
    toolchain: tuple[Tool, ...] = ()
    builder_id: str = SELF_HOSTED
    trigger: Trigger = "manual"
    attempt: int = 1
    skipped_checks: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    host: Host | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BootRecord:
    """The boot tests that an image passed, and their log, secrets already removed."""

    tests: tuple[BootTested, ...]
    log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInputs:
    """Everything a release is made of.

    Attributes:
        lock_file: the lock as a file, exactly as it is to be published.
        log: the finished log of the build, secrets already removed; None when there is none.
        boot: the boot tests it passed; None when there were none.
        previous: the release it is compared with, None for none.
    """

    plan: Plan
    lock: Lock
    lock_file: bytes
    checkout: Checkout
    image: Image
    facts: BuildFacts
    log: Path | None = None
    boot: BootRecord | None = None
    previous: Previous | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A finished release.

    Attributes:
        directory: holds all ``files`` and nothing of the release lies elsewhere.
        manifest_digest: hexadecimal SHA-256 of the manifest's bytes: the identity of the release.
        manifest_size: in bytes.
        files: names of all files, the manifest and signature among them, sorted.
        signed: whether there is a signature.
    """

    directory: Path
    manifest: Manifest
    manifest_name: str
    manifest_digest: str
    manifest_size: int
    files: tuple[str, ...]
    signed: bool
