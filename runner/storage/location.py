# SPDX-License-Identifier: Apache-2.0
"""From a URL to a storage: the scheme names the module in :mod:`runner.storage.backends` that connects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from runner.errors import UsageError
from runner.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.storage.api import Storage

_SCHEME = re.compile(r"[a-z][a-z0-9]*")
_BACKENDS = "runner.storage.backends"


@dataclass(frozen=True, slots=True)
class Location:
    """A storage's URL in parts: ``host`` is S3's bucket, ``options`` the query."""

    scheme: str
    host: str
    path: str
    options: Mapping[str, str]

    def option(self, name: str) -> str | None:
        return self.options.get(name) or None

    def allow(self, *names: str) -> None:
        """Refuse options other than ``names``: a misspelt one must not be ignored."""
        for name in self.options:
            if name not in names:
                known = ", ".join(names) or "none"
                raise UsageError(f"a {self.scheme} storage knows no option {name!r}", hint=f"known: {known}")


def parse_location(url: str, *, endpoint: str | None = None, region: str | None = None) -> Location:
    """Split ``url``; a plain path is a ``file`` location. ``endpoint`` and ``region`` win over the query.

    Raises:
        UsageError: malformed, or it holds credentials.
    """
    extra = {name: value for name, value in (("endpoint", endpoint), ("region", region)) if value}
    if "://" not in url:
        if not url:
            raise UsageError("the storage URL is empty", hint="use a directory or s3://BUCKET/PREFIX")
        return Location("file", "", url, extra)
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        hosts = [parts.netloc, *(urlsplit(value).netloc for value in (*options.values(), endpoint or ""))]
    except ValueError as error:
        raise UsageError("the storage URL is malformed", where=Redactor()(url), why=str(error)) from error
    if any("@" in host for host in hosts):
        raise UsageError(
            "a storage URL must not hold credentials",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile with AWS_PROFILE",
        )
    if parts.fragment:
        raise UsageError("a storage URL has no '#' part", where=url)
    return Location(parts.scheme.lower(), parts.netloc, unquote(parts.path), {**options, **extra})


def open_storage(url: str, *, endpoint: str | None = None, region: str | None = None) -> Storage:
    """Return the storage at ``url``: a directory (path or ``file:///…``) or ``s3://bucket/prefix``.

    Connects to nothing yet. ``endpoint`` is the address of an S3 server other than AWS.

    Raises:
        UsageError: malformed URL or unknown scheme.
    """
    location = parse_location(url, endpoint=endpoint, region=region)
    module = f"{_BACKENDS}.{location.scheme}"
    if not _SCHEME.fullmatch(location.scheme) or find_spec(module) is None:
        known = ", ".join(f"{name}://" for name in sorted(_schemes()))
        raise UsageError(f"no storage is known by {location.scheme}://", hint=f"known: a directory, {known}")
    return cast("Storage", import_module(module).connect(location))


def _schemes() -> list[str]:
    return [module.name for module in iter_modules(import_module(_BACKENDS).__path__)]
