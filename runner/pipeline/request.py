# SPDX-License-Identifier: Apache-2.0
"""What a caller asks for, and what of this machine it may use."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from runner.boot.model import Login
from runner.plan.overrides import NOTHING, Overrides
from runner.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.boot.model import Firmware
    from runner.packages.fetch import Progress
    from runner.packages.lockfile import LockFile
    from runner.packages.mirrors import Mirrors
    from runner.release.changes import Previous
    from runner.release.manifest import Trigger
    from runner.store import Store
from runner.store.eviction import DEFAULT_CAP


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which source, and which of the images its description holds."""

    source: str
    ref: str | None = None
    subdir: str | None = None
    kiwi_file: str | None = None
    profiles: tuple[str, ...] = ()
    type_name: str | None = None
    arch: str | None = None
    allow_unsigned: bool = False
    allow_expired: bool = False
    overrides: Overrides = NOTHING


class Reporter(Protocol):
    """Who shows a person, or a machine, how the work goes."""

    def started(self, phase: str) -> None: ...

    def finished(self, phase: str, seconds: float, *, cached: bool = False, detail: str = "") -> None: ...

    def fetched(self, progress: Progress) -> None: ...

    def line(self, text: str) -> None:
        """One line of a tool's output."""
        ...

    def warning(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What of this machine the work may use.

    Attributes:
        log_level: one of :mod:`logging`'s numbers.
        log_json: log JSON lines, not text.
        repository_map: prefixes of repository addresses and what takes their place.
        packages_from: URLs of storages to look in for locked packages, in this order, before the mirror.
        timeout: longest build in seconds.
        use_layers: take finished layers from the store, and leave new ones there.
        store_size: bytes the store may hold.
    """

    store: Store
    mirrors: Mirrors
    reporter: Reporter
    redact: Redactor = Redactor()
    log_level: int = logging.INFO
    log_json: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    repository_map: tuple[tuple[str, str], ...] = ()
    packages_from: tuple[str, ...] = ()
    timeout: float = 7200.0
    use_layers: bool = True
    store_size: int = DEFAULT_CAP


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishTarget:
    """Where a release goes, and under which name people follow it."""

    url: str
    channel: str
    mirror_packages: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BootGate:
    """A boot test that an image has to pass before it is released.

    Attributes:
        firmware: the test is made with each; none means what the disk is made for.
        script: run in the image by ``login``, and has to succeed.
        seconds: wall-clock time for each test.
    """

    firmware: tuple[Firmware, ...] = ()
    script: bytes | None = None
    login: Login = field(default_factory=Login)
    seconds: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What becomes of the image.

    ``key`` is a private key file, ``passphrase`` opens it. ``max_size`` is the bytes that a result file may have.
    ``boot`` is the test it has to pass. ``lock`` is obeyed in place of the one beside the description. ``trigger``
    and ``attempt``, which counts from 1, tell the manifest why and how often this was built. ``previous`` is what
    the release is compared with.
    """

    target: Path | None = None
    key: Path | None = None
    passphrase: str | None = None
    publish: PublishTarget | None = None
    max_size: int | None = None
    boot: BootGate | None = None
    lock: LockFile | None = None
    trigger: Trigger = "manual"
    attempt: int = 1
    previous: Previous | None = None
