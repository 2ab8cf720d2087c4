# SPDX-License-Identifier: Apache-2.0
"""The runner's configuration file: what a machine's owner decides once.

``PACKHOUSE_CONFIG``, else ``packhouse/config.yaml`` in the XDG configuration folder. No secret belongs in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner.errors import UsageError
from runner.store.eviction import DEFAULT_CAP

if TYPE_CHECKING:
    from collections.abc import Mapping


class RepositorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``map``: prefix of a repository's address to what takes its place, as ``--repo-map`` has it."""

    map: dict[str, str] = {}


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings have a default; an empty file is a valid one.

    Attributes:
        store: the local store's folder.
        mirrors: symbolic mirror name to URL.
        packages_from: storages to look in for locked packages before the mirror.
        repositories: how addresses of repositories are understood.
        timeout: longest build in seconds.
        store_size: bytes the store may hold; the longest unused goes first.
    """

    store: str = ""
    mirrors: dict[str, str] = {}
    packages_from: tuple[str, ...] = ()
    repositories: RepositorySettings = RepositorySettings()
    timeout: float = 7200.0
    store_size: int = DEFAULT_CAP


def config_path(env: Mapping[str, str]) -> Path:
    if env.get("PACKHOUSE_CONFIG"):
        return Path(env["PACKHOUSE_CONFIG"])
    base = env.get("XDG_CONFIG_HOME") or f"{env.get('HOME') or '/root'}/.config"
    return Path(base) / "packhouse" / "config.yaml"


def load_config(env: Mapping[str, str]) -> Config:
    """Read the configuration; without a file, the defaults.

    Raises:
        UsageError: it is not valid YAML, or a key or value is wrong; tells which.
    """
    path = config_path(env)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if env.get("PACKHOUSE_CONFIG"):
            raise UsageError("the configuration file is not there", where=str(path)) from None
        return Config()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("the configuration file cannot be read", where=str(path), why=str(error)) from error
    import yaml

    try:
        return msgspec.convert(yaml.safe_load(text) or {}, Config)
    except yaml.YAMLError as error:
        raise UsageError("the configuration file is not valid YAML", where=str(path), why=str(error)) from error
    except msgspec.ValidationError as error:
        raise UsageError("the configuration file is wrong", where=str(path), why=str(error)) from error
