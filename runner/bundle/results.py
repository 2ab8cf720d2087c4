# SPDX-License-Identifier: Apache-2.0
"""Reads ``kiwi.result.json`` of a target folder, ours or KIWI's (9.24.1 and later).

KIWI writes absolute paths of the machine that built; only the name in the folder counts here, so that a folder
may be moved, and no listing can name a file outside of it. KIWI's other record, a Python pickle, is never read:
loading one runs whatever it says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from runner.bundle.naming import Tags
from runner.create.kiwi_result import NAME
from runner.errors import UsageError

_FORMAT = "bundle_format"
_STEM_KEYS = {"image_packages": ".packages", "image_verified": ".verified", "image_changes": ".changes"}
"""Results that KIWI leaves beside every image, named by the stem of all names and one known ending."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One result: its file, and what the bundler does with it."""

    filename: str
    compress: bool = False
    shasum: bool = False
    use_for_bundle: bool = False

    @property
    def name(self) -> str:
        return PurePosixPath(self.filename).name


class _Format(msgspec.Struct, frozen=True, kw_only=True):
    pattern: str = ""
    tags: dict[str, str | list[str]] = {}


@dataclass(frozen=True, slots=True)
class Results:
    """What a build left in ``folder``.

    Attributes:
        entries: by KIWI's result key, sorted.
        stem: ``<name>.<arch>-<version>``, the first part of all names; empty when the files do not tell.
        pattern: the description's ``bundle_format``, empty without one.
        tags: what the pattern's placeholders stand for, None when not recorded.
    """

    folder: Path
    entries: dict[str, Entry]
    stem: str
    pattern: str = ""
    tags: Tags | None = None

    def path(self, entry: Entry) -> Path:
        """Return where the file of ``entry`` lies.

        Raises:
            UsageError: it is gone, or is no regular file.
        """
        path = self.folder / entry.name
        if path.is_symlink() or not path.is_file():
            raise UsageError(
                f"the result {entry.name} is missing",
                where=str(self.folder),
                why=f"{NAME} lists it as a regular file",
            )
        return path


def read_results(folder: Path) -> Results:
    """Read what a build left in ``folder``.

    Raises:
        UsageError: it has no ``kiwi.result.json``, or a damaged one.
    """
    raw = _read(folder)
    try:
        said = msgspec.convert(raw.pop(_FORMAT, {}), _Format)
        entries = {key: msgspec.convert(value, Entry) for key, value in sorted(raw.items())}
    except msgspec.ValidationError as error:
        raise _damaged(folder, str(error)) from error
    for key, entry in entries.items():
        if entry.name in {"", ".", ".."} or "\0" in entry.name:
            raise _damaged(folder, f"{key} names no file: {entry.filename!r}")
    tags = _tags(said)
    stem = _stem(entries, tags)
    return Results(folder, entries, stem, said.pattern, tags or _tags_of_manifest(folder, stem))


def _read(folder: Path) -> dict[str, Any]:
    try:
        raw = json.loads((folder / NAME).read_bytes())
    except OSError as error:
        raise UsageError(
            f"{folder} holds no results of a build",
            why=f"{NAME} cannot be read: {error.strerror}",
            hint="name the --target-dir of a finished build",
        ) from error
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, str(error)) from error
    if not isinstance(raw, dict):
        raise _damaged(folder, "it is no JSON object")
    return raw


def _damaged(folder: Path, why: str) -> UsageError:
    return UsageError("the record of results is damaged", where=str(folder / NAME), why=why)


def _tags(said: _Format) -> Tags | None:
    texts = {key: "_".join(value) if isinstance(value, list) else value for key, value in said.tags.items()}
    if not {"N", "A", "v"} <= texts.keys():
        return None
    return Tags(
        name=texts["N"],
        arch=texts["A"],
        version=texts["v"],
        image_type=texts.get("T", ""),
        profiles=texts.get("P", ""),
    )


class _Image(msgspec.Struct):
    name: str
    version: str
    arch: str
    type: str
    profile: tuple[str, ...] = ()


class _Manifest(msgspec.Struct):
    image: _Image


def _tags_of_manifest(folder: Path, stem: str) -> Tags | None:
    """A build of ours without ``bundle_format`` records the same facts in its manifest."""
    try:
        image = msgspec.json.decode((folder / f"{stem}.manifest.json").read_bytes(), type=_Manifest).image
    except (OSError, msgspec.MsgspecError):
        return None
    return Tags(
        name=image.name,
        arch=image.arch,
        version=image.version,
        image_type=image.type,
        profiles="_".join(image.profile),
    )


def _stem(entries: dict[str, Entry], tags: Tags | None) -> str:
    if tags is not None:
        return f"{tags.name}.{tags.arch}-{tags.version}"
    for key, ending in _STEM_KEYS.items():
        entry = entries.get(key)
        if entry is not None and entry.name.endswith(ending):
            return entry.name.removesuffix(ending)
    return ""
