# SPDX-License-Identifier: Apache-2.0
"""``--repo-map FROM=TO``: addresses that mean something only elsewhere become addresses that can be fetched.

Most needed for ``obs://Project:Name/repo`` and ``obsrepositories:/``, which only a build service can resolve. KIWI
asks the service, and takes whichever mirror it is sent to; here the mapping is said, so the same input gives the
same plan. What is not mapped stays as it is written, and is listed as unsupported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

OBS = "obs:"
_ENDS = (":", "/")


def mapped(uri: str, table: Sequence[tuple[str, str]]) -> str:
    """Return ``uri`` with the longest prefix of ``table`` replaced; the first of two equal prefixes counts.

    A prefix ends where a part of the address ends: ``mirror://debian`` is none of ``mirror://debian-security``.
    What follows the prefix of an ``obs:`` address is written as download servers have it: ``Project:Name`` is the
    folder ``Project:/Name``.
    """
    plain = _plain(uri)
    best = max(
        (entry for entry in table if _is_prefix(_plain(entry[0]), plain)),
        key=lambda entry: len(_plain(entry[0])),
        default=None,
    )
    if best is None:
        return uri
    rest = plain[len(_plain(best[0])) :]
    if uri.startswith(OBS):
        rest = _folders(rest)
    return _joined(best[1], rest)


def _plain(uri: str) -> str:
    """``obs:`` is written with and without slashes."""
    return f"obs://{uri.removeprefix(OBS).lstrip('/')}" if uri.startswith(OBS) else uri


def _is_prefix(start: str, uri: str) -> bool:
    if not start or not uri.startswith(start):
        return False
    return uri == start or start.endswith(_ENDS) or uri[len(start)] in ":/?"


def _folders(rest: str) -> str:
    """Make a folder of each part of what is left of the project's name; the repository after it stays as it is."""
    project, slash, repository = rest.partition("/")
    return project.replace(":", ":/") + slash + repository


def _joined(start: str, rest: str) -> str:
    if rest in {"", "/"}:
        return start
    if start.endswith("/"):
        return start + rest.removeprefix("/")
    return start + rest if rest[0] in "/:?" else f"{start}/{rest}"
