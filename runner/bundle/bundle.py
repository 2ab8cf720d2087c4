# SPDX-License-Identifier: Apache-2.0
"""Makes a bundle: all of it or nothing, and never over a file that is there."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner import process
from runner.bundle import copy
from runner.bundle.naming import Tags, check_id, ending, expand, with_id
from runner.digest import sha256_file
from runner.errors import HostError, UsageError

if TYPE_CHECKING:
    from runner.bundle.results import Entry, Results

_XZ = ".xz"


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleOptions:
    """How to bundle.

    Attributes:
        id: what tells this bundle from others of the same version, part of all names.
        pattern: names by placeholders; empty means the description's ``bundle_format``, or else the id behind the
            version.
        compress: compress what the results mark so; false leaves all as it is.
        zsync_source: URL of the folder the bundle will be served from; a zsync control file is made for compressed
            files when set.
    """

    id: str
    pattern: str = ""
    compress: bool = True
    zsync_source: str = ""


@dataclass(frozen=True, slots=True)
class Bundled:
    """One file of a bundle: its name, and the result it was made from."""

    name: str
    result: str
    sha256: str


def bundle(results: Results, folder: Path, options: BundleOptions) -> tuple[Bundled, ...]:
    """Put the results marked for it into ``folder`` under their release names, each with ``NAME.sha256``.

    A file keeps the time of the result it was made from.

    Raises:
        UsageError: nothing to bundle, names that cannot be made or clash, or a file of that name is there.
        HostError: the folder cannot be written to, or a tool is missing.
        BuildError: a tool failed.
    """
    check_id(options.id)
    chosen = [entry for entry in results.entries.values() if entry.use_for_bundle]
    if not chosen:
        raise UsageError("there is nothing to bundle", where=str(results.folder))
    names = _names(chosen, results, options)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".bundle-", dir=folder) as stage:
            made = [_bundle_one(entry, results, names, Path(stage), options) for entry in chosen]
            _publish(Path(stage), folder)
    except OSError as error:
        raise HostError(f"cannot write to {folder}", why=error.strerror or str(error)) from error
    return tuple(made)


def _names(chosen: list[Entry], results: Results, options: BundleOptions) -> dict[str, str]:
    """Return the new name, before compression, of every file by its old one."""
    pattern = options.pattern or results.pattern
    names: dict[str, str] = {}
    for entry in chosen:
        name = (
            expand(pattern, _tags(results), options.id) + ending(entry.name, results.stem)
            if pattern
            else with_id(entry.name, results.stem, options.id)
        )
        if name in names.values():
            raise UsageError(
                f"two results would be called {name} in the bundle", hint="choose another --bundle-format"
            )
        names[entry.name] = name
    return names


def _tags(results: Results) -> Tags:
    tags = results.tags or Tags.of_stem(results.stem)
    if tags is None:
        raise UsageError(
            "name and version of these results are not recorded",
            where=str(results.folder),
            hint="leave the format out",
        )
    return tags


def _bundle_one(
    entry: Entry, results: Results, names: dict[str, str], stage: Path, options: BundleOptions
) -> Bundled:
    source = results.path(entry)
    target = stage / names[entry.name]
    packed = entry.compress and options.compress
    if packed:
        target = target.with_name(target.name + _XZ)
        copy.compress(source, target)
    elif not copy.rewrite(source, target, names):
        copy.copy(source, target)
    status = source.stat()
    target.chmod(0o644)
    os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
    digest = sha256_file(target)
    if entry.shasum:
        checksum = target.with_name(target.name + ".sha256")
        checksum.write_text(f"{digest}  {target.name}\n", encoding="utf-8")
    if packed and options.zsync_source:
        _zsync(target, options.zsync_source)
    return Bundled(target.name, entry.name, digest)


def _zsync(file: Path, url: str) -> None:
    where = f"{url.rstrip('/')}/{file.name}"
    process.run(
        ["zsyncmake", "-e", "-u", where, "-o", file.with_name(file.name + ".zsync"), file.name],
        cwd=file.parent,
        what=f"zsyncmake {file.name}",
    )


def _publish(stage: Path, folder: Path) -> None:
    """Move all files of ``stage`` into ``folder``; a hard link never replaces what is there."""
    done: list[Path] = []
    try:
        for file in sorted(stage.iterdir()):
            os.link(file, folder / file.name)
            done.append(folder / file.name)
    except OSError as error:
        for path in done:
            path.unlink()
        if isinstance(error, FileExistsError):
            raise UsageError(
                f"{error.filename2} is there already",
                hint="give another --id or --bundle-dir; nothing was written",
            ) from error
        raise
