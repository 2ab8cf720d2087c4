# SPDX-License-Identifier: Apache-2.0
"""KIWI's runtime configuration, where a file is named with ``--config``.

Only a named file counts: what lies in a user's home or in ``/etc`` of one machine must not decide about a build.
A file is a map of sections, each of them a list of maps with one key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runner.byte_size import byte_size
from runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LARGEST_FILE = 1 << 20

IGNORED = {
    "bundle/has_package_changes": "lists of changes are not written",
    "bundle/shasum_size": "checksums are SHA-256",
    "container/compress": "container archives are compressed with xz",
    "credentials/verification_metadata_signing_key_file": "signed verity metadata is not written yet",
    "iso/media_tag_tool": "media are not tagged",
    "iso/tool_category": "ISO files are written by xorriso",
    "mapper/part_mapper": "no disk is mapped",
    "obs/api_url": "no build service is asked",
    "obs/public": "addresses of a build service are only read through a mapping",
    "obs/user": "no build service is asked",
    "oci/archive_tool": "archives are written by packhouse itself",
    "runtime_checks/disable": "packhouse validate tells all findings, and only errors stop a build",
    "shasum/size": "checksums are SHA-256",
    "xz/options": "the level decides about the bytes of a result, so it is the same everywhere",
}
"""``section/key`` that does nothing here, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeConfiguration:
    """What of it counts.

    Attributes:
        download_url: where ``obs:`` addresses are found.
        compress_bundle: None where nothing is said.
        max_size: bytes that no result file may be larger than.
        ignored: ``section/key`` and the reason.
    """

    download_url: str = ""
    compress_bundle: bool | None = None
    max_size: int | None = None
    ignored: tuple[tuple[str, str], ...] = ()


def read_runtime_configuration(path: Path) -> RuntimeConfiguration:
    """Read the file at ``path``.

    Raises:
        UsageError: it cannot be read, is not such a file, or has a value that makes no sense.
    """
    said = dict(_settings(path, _load(path)))
    unknown = "KIWI has no such setting"
    used = {"obs/download_url", "bundle/compress", "build_constraints/max_size"}
    return RuntimeConfiguration(
        download_url=str(said.get("obs/download_url") or ""),
        compress_bundle=_flag(path, "bundle/compress", said.get("bundle/compress")),
        max_size=_size(path, said.get("build_constraints/max_size")),
        ignored=tuple((name, IGNORED.get(name, unknown)) for name in said if name not in used),
    )


def _load(path: Path) -> dict[str, Any]:
    import yaml

    try:
        with path.open(encoding="utf-8") as stream:
            content = yaml.safe_load(stream.read(_LARGEST_FILE))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError("the runtime configuration cannot be read", where=str(path), why=why) from error
    if not isinstance(content or {}, dict):
        raise _wrong(path, "it is not a map of sections")
    return content or {}


def _settings(path: Path, content: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for section, entries in content.items():
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise _wrong(path, f"the section {section} is not a list of settings")
        for entry in entries:
            for name, value in entry.items():
                yield f"{section}/{name}", value


def _flag(path: Path, name: str, value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise _wrong(path, f"{name} is neither true nor false")
    return value


def _size(path: Path, value: Any) -> int | None:
    if value is None:
        return None
    try:
        return byte_size(str(value))
    except ValueError as error:
        raise _wrong(path, f"build_constraints/max_size: {error}") from None


def _wrong(path: Path, why: str) -> UsageError:
    return UsageError("the runtime configuration is wrong", where=str(path), why=why)
