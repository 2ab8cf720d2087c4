# SPDX-License-Identifier: Apache-2.0
"""The configuration as it is now, in the form that each part of the runner wants it: secrets fetched when used."""

from __future__ import annotations

import os
import platform
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.pipeline.machine import STORE
from runner.redact import LateRedactor
from runner.service.config.secrets import Secrets
from runner.service.queue.settings import JobSettings, LockBranch
from runner.service.steps.order import BootOrder
from runner.service.steps.perform import BOOT_PASSWORD, PASSPHRASE
from runner.service.watch.look import WatchedRepository
from runner.service.watch.own_branches import branch_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.service.config.model import BootGate, Destination, Limits, Repository, ServiceConfig
    from runner.service.jobs.model import JobRequest

_KEPT = frozenset({
    "HOME", "LANG", "NO_PROXY", "PATH", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "TMPDIR", "http_proxy", "https_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "no_proxy",
})  # fmt: skip
_KEPT_PREFIXES = ("PACKHOUSE_", "XDG_")


class Settings:
    """``config`` may be replaced while the runner runs; a job keeps what it began with.

    Attributes:
        over: set when the runner ends: what repositories are asked then, is given up.
    """

    def __init__(self, config: ServiceConfig, env: Mapping[str, str] | None = None) -> None:
        self.config = config
        self._env = dict(os.environ if env is None else env)
        self.over = threading.Event()

    @property
    def state(self) -> Path:
        """The folder of everything the runner keeps on this machine."""
        return Path(self.config.state).absolute()

    @property
    def secrets(self) -> Secrets:
        return Secrets(self.config.secrets, self._env)

    def job(self, request: JobRequest) -> JobSettings:
        """Return how a job is to be done; see :class:`runner.service.queue.settings.SettingsOf`."""
        name = request.image.repository
        repository = self._repository(name)
        destination = self._destination(request.destination, name)
        limits = self._limits(repository)
        environment = self._environment(repository, destination)
        sign = destination.sign if destination else None
        if sign is not None and sign.passphrase:
            environment[PASSPHRASE] = self.secrets.value(sign.passphrase)
        gate = repository.boot_test
        if gate is not None and gate.password:
            environment[BOOT_PASSWORD] = self.secrets.value(gate.password)
        return JobSettings(
            url=repository.url,
            environment=environment,
            redact=self.secrets.redactor(),
            storage=destination.url if destination and request.channel else "",
            mirror_packages=destination.mirror_packages if destination else False,
            key=Path(sign.key) if sign else None,
            boot=_boot(gate),
            lock_branch=_lock_branch(repository, request),
            seconds=limits.time,
            log_bytes=limits.log,
            memory=limits.memory,
            disk=limits.disk,
            processes=limits.processes,
        )

    def watch(self, name: str) -> tuple[WatchedRepository, float] | None:
        """Return a watched repository and the seconds between two looks, None when it is not configured.

        Raises:
            SecretError: one of its secrets cannot be had.
        """
        entry = self.config.repositories.get(name)
        return None if entry is None else (self.repository(name), entry.poll)

    def repository(self, name: str) -> WatchedRepository:
        """Return the watched repository ``name``.

        Raises:
            UsageError: there is none of that name.
            SecretError: one of its secrets cannot be had.
        """
        entry = self._repository(name)
        signers = entry.commits.allowed_signers if entry.commits.signed else ""
        environment, secrets = self._environment(entry, None), self.secrets
        own = [environment[variable] for variable in entry.environment]
        return WatchedRepository(
            name=name,
            settings=entry,
            destination=self._destination(entry.destination, name),
            environment=environment,
            redact=LateRedactor(lambda: secrets.redactor(*own)),
            allowed_signers=Path(signers) if signers else None,
            arch=platform.machine(),
            stop=self.over.is_set,
        )

    def _repository(self, name: str) -> Repository:
        found = self.config.repositories.get(name)
        if found is None:
            raise UsageError(f"no repository {name!r} is configured", hint="add it to repositories")
        return found

    def _destination(self, name: str, repository: str) -> Destination | None:
        if not name:
            return None
        found = self.config.destinations.get(name)
        if found is None:
            raise UsageError(f"no destination {name!r} is configured", where=f"repositories.{repository}")
        return found

    def _limits(self, repository: Repository) -> Limits:
        return repository.limits or self.config.limits

    def _environment(self, repository: Repository, destination: Destination | None) -> dict[str, str]:
        """Return all that a process of a job may see of its surroundings: no secret but those it needs."""
        hidden = {source.env for source in self.config.secrets.values() if source.env}
        kept = {
            name: value
            for name, value in self._env.items()
            if name not in hidden and (name in _KEPT or name.startswith(_KEPT_PREFIXES))
        }
        kept.setdefault(STORE, str(self.state / "store"))
        more = {**destination.settings, **self.secrets.environment(destination.environment)} if destination else {}
        return {**kept, **self.secrets.environment(repository.environment), **more}


def _lock_branch(repository: Repository, request: JobRequest) -> LockBranch | None:
    wanted = next((one.pull_request for one in repository.schedules if one.name == request.schedule), None)
    if wanted is None:
        return None
    name, _, address = wanted.author.rpartition(" ")
    return LockBranch(
        name=branch_for(wanted.branch, request.image.subdir), author=(name, address.removeprefix("<")[:-1])
    )


def _boot(gate: BootGate | None) -> BootOrder | None:
    if gate is None or not gate.enabled:
        return None
    try:
        script = Path(gate.script).read_text(encoding="utf-8") if gate.script else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "the script of the boot test cannot be read", where=gate.script, why=str(error)
        ) from error
    return BootOrder(script=script, seconds=gate.seconds)
