# SPDX-License-Identifier: Apache-2.0
"""Keep secrets out of everything that is written: logs, errors, manifests."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MASK = "[redacted]"
_URL_USERINFO = re.compile(r"(?<=[a-z0-9+.-])://[^/@\s'\"]+@", re.IGNORECASE)
"""Begins behind the scheme: whole schemes would be looked for at every character of a line that has no end."""
_SHORTEST = 4
"""Shorter strings are not masked: they would blank half of every log and protect nothing."""


@dataclass(frozen=True, slots=True)
class Redactor:
    """Masks known secret values, their URL-quoted and JSON forms, and the user part of any URL."""

    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, secrets: Iterable[str | None]) -> Redactor:
        forms: set[str] = set()
        for secret in secrets:
            if secret and len(secret) >= _SHORTEST:
                forms |= {secret, quote(secret, safe=""), quote(secret)}
                forms |= {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
        return cls(tuple(sorted(forms, key=len, reverse=True)))

    def __call__(self, text: str) -> str:
        """Return ``text`` with every secret replaced by a mask."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return _URL_USERINFO.sub(f"://{MASK}@", text)


class LateRedactor:
    """Is made, by ``make``, when there is a first text to mask: fetching very many secrets takes its time."""

    def __init__(self, make: Callable[[], Redactor]) -> None:
        self._make = make
        self._made: Redactor | None = None

    def __call__(self, text: str) -> str:
        """Return ``text`` as :class:`Redactor` does."""
        if self._made is None:
            self._made = self._make()
        return self._made(text)


def strip_credentials(url: str) -> str:
    """Return ``url`` without user and password; text that is not a URL comes back unchanged."""
    try:
        parts = urlsplit(url)
    except ValueError:  # not a URL after all, yet it may hold a login
        return _URL_USERINFO.sub("://", url)
    if not parts.scheme or "@" not in parts.netloc:
        return url
    host = parts.netloc.rpartition("@")[2]
    user = parts.netloc.rpartition("@")[0]
    if parts.scheme == "ssh" and ":" not in user:
        return url  # an ssh login name is part of the address, not a secret
    return urlunsplit(parts._replace(netloc=host))
