# SPDX-License-Identifier: Apache-2.0
"""Repositories on this machine: ``this://``, ``dir://``, ``file://`` and plain paths are folders."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from runner.errors import ResolveError


def local_folder(uri: str, description: Path) -> Path | None:
    """Return the folder that ``uri`` means, None when it is on a network.

    ``this://`` is relative to the folder ``description`` and stays below it.

    Raises:
        ResolveError: it is no address, or leads out of the description's folder.
    """
    if uri.startswith("/"):
        return Path(uri)
    try:
        parts = urlsplit(uri)
        _ = parts.port  # checked only when it is read
    except ValueError as error:
        raise ResolveError(f"the repository address {uri!r} is none", why=str(error)) from error
    if parts.scheme in {"file", "dir"}:
        return Path(unquote(parts.path))
    if parts.scheme != "this":
        return None
    name = unquote(parts.netloc + parts.path).strip("/")
    if ".." in name.split("/"):
        raise ResolveError(f"the repository {uri} lies outside of the description's folder")
    folder = description / name
    try:
        inside = folder.resolve().is_relative_to(description.resolve())
    except (OSError, RuntimeError, ValueError) as error:
        raise ResolveError(f"the repository {uri} cannot be found", why=str(error)) from error
    if not inside:
        raise ResolveError(
            f"the repository {uri} lies outside of the description's folder", why="a link leads there"
        )
    return folder
