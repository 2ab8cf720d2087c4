# SPDX-License-Identifier: Apache-2.0
"""What the configuration says about one job, secrets in place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from runner.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.service.jobs.model import JobRequest
    from runner.service.steps.order import BootOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class LockBranch:
    """Where a refreshed lock is pushed: ``author`` is the name and address of whoever commits."""

    name: str
    author: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """How a job is to be done.

    Attributes:
        url: of the git repository.
        environment: of the processes of its steps, secrets among it.
        redact: masks these secrets.
        storage: URL of the storage to publish to; empty: nothing is published.
        boot: test that disks have to pass.
        lock_branch: where a refreshed lock is offered; None: nowhere.
        key: private key to sign with; its passphrase is in the environment.
        seconds, log_bytes, memory, disk: a step may take, say, use and write; 0 is no limit for the last two.
        processes: a step may have at once, threads among them; 0 is no limit.
    """

    url: str
    environment: Mapping[str, str] = field(repr=False)
    redact: Redactor = field(default_factory=Redactor)
    storage: str = ""
    mirror_packages: bool = True
    key: Path | None = None
    boot: BootOrder | None = None
    lock_branch: LockBranch | None = None
    seconds: float = 7200.0
    log_bytes: int = 64 << 20
    memory: int = 0
    disk: int = 0
    processes: int = 0


class SettingsOf(Protocol):
    """Look a job's settings up in the configuration as it is now."""

    def __call__(self, request: JobRequest) -> JobSettings:
        """Return the settings.

        Raises:
            UsageError: the repository, the destination or a secret is not configured any more.
        """
        ...
