# SPDX-License-Identifier: Apache-2.0
"""Tell whether two clone URLs mean the same repository."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_SCP = re.compile(r"(?:[^@/:]+@)?(?P<host>[^/:]+|\[[0-9A-Fa-f:.]+\]):(?P<path>(?!//).*)", re.DOTALL)
_PORTS = {"https": 443, "http": 80, "ssh": 22, "git+ssh": 22, "git": 9418}


class Address(NamedTuple):
    """A repository's place, whichever protocol leads there; ``port`` is 0 for that of the protocol."""

    host: str
    port: int
    path: str


def address_of(url: str) -> Address | None:
    """Return where a clone URL leads, None for what is no URL of a server.

    Logins, ``.git`` and a slash at the end make no difference, nor does case: on the forges that tell cases apart
    nobody can have two such neighbours watched with one secret.
    """
    if "://" not in url:
        match = _SCP.fullmatch(url)
        return None if match is None else Address(match["host"].lower(), 0, _path(match["path"]))
    try:
        parts = urlsplit(url)
        port = parts.port or 0
    except ValueError:
        return None
    if not parts.hostname or parts.scheme not in _PORTS:
        return None
    return Address(parts.hostname.rstrip("."), 0 if port == _PORTS[parts.scheme] else port, _path(parts.path))


def same_repository(one: str, other: str) -> bool:
    """Tell whether both URLs lead to the same repository of the same server."""
    address = address_of(one)
    return address is not None and address == address_of(other)


def _path(text: str) -> str:
    return unquote(text).strip("/").removesuffix(".git").rstrip("/").casefold()
