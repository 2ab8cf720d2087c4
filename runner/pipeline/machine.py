# SPDX-License-Identifier: Apache-2.0
"""Gather what a machine offers to builds: from its configuration, its environment and what the caller says."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from runner.config import load_config
from runner.packages.credentials import Credentials
from runner.packages.mirrors import Mirrors
from runner.pipeline.request import Machine
from runner.redact import Redactor
from runner.sources.credentials import secrets_of
from runner.store import Store, default_location

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.pipeline.request import Reporter

STORE, LABEL = "PACKHOUSE_STORE", "PACKHOUSE_SCRATCH_LABEL"
"""Variables: where the store is, and what the names of scratch folders begin with."""

_SECRETS = (
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PACKHOUSE_KEY_PASSPHRASE"),
    *("PACKHOUSE_GIT_PASSWORD", "PACKHOUSE_BOOT_PASSWORD"),
)


def redactor_of(env: Mapping[str, str], source: str = "", *secrets: str | None) -> Redactor:
    """Mask what must never be seen: ``secrets``, those in ``env``, and what opens the repository ``source``."""
    found = (env.get(name) for name in _SECRETS)
    return Redactor.of([*secrets, *Credentials(env).secrets, *found, *secrets_of(source, env)])


def machine_of(
    env: Mapping[str, str],
    reporter: Reporter,
    redact: Redactor,
    *,
    store: Path | None = None,
    mirrors: Mapping[str, str] | None = None,
    packages_from: tuple[str, ...] = (),
    timeout: float | None = None,
    use_layers: bool = True,
    log_level: int = logging.INFO,
    log_json: bool = False,
) -> Machine:
    """Return the machine that ``env`` describes; what is given besides wins over it.

    Storages for packages are what was given; else what ``PACKHOUSE_PACKAGES_FROM`` says, separated by spaces; else
    the configuration. ``timeout`` in seconds.

    Raises:
        UsageError: the configuration file is wrong.
    """
    config = load_config(env)
    place = store or (Path(config.store) if config.store and STORE not in env else None)
    return Machine(
        store=Store((place or default_location(env)).absolute(), label=env.get(LABEL, "")),
        mirrors=Mirrors(given=dict(mirrors or {}), env=dict(env), configured=config.mirrors),
        reporter=reporter,
        redact=redact,
        log_level=log_level,
        log_json=log_json,
        env=dict(env),
        packages_from=packages_from
        or tuple(env.get("PACKHOUSE_PACKAGES_FROM", "").split())
        or config.packages_from,
        timeout=config.timeout if timeout is None else timeout,
        store_size=config.store_size,
        use_layers=use_layers,
        repository_map=tuple(config.repositories.map.items()),
    )
