# SPDX-License-Identifier: Apache-2.0
"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote, urlencode

_COMMIT = 12
_NONE = "\N{EN DASH}"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def clock(at: float | None) -> str:
    """Return date and time in UTC."""
    return _NONE if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(at: float) -> str:
    """Return date and time as RFC 3339 writes them."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(seconds: float | None) -> str:
    """Return a time in its two largest units."""
    if seconds is None:
        return _NONE
    if seconds < _MINUTE:
        return f"{max(seconds, 0.0):.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def is_web_address(text: str) -> bool:
    """Tell whether ``text``, which somebody else's server said, may be a link."""
    return text.startswith(("https://", "http://"))


def short(commit: str) -> str:
    """Return enough of a commit's id to know it by."""
    return commit[:_COMMIT]


def url(*parts: object, **query: object) -> str:
    """Return the path of ``parts``, each one segment whatever is in it, with ``query``."""
    path = "/" + "/".join(quote(str(part), safe="") for part in parts)
    given = {name: value for name, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(given)}" if given else path
