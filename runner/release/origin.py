# SPDX-License-Identifier: Apache-2.0
"""How a source address appears in public: without credentials, without folders of the machine that built."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit, urlunsplit

from runner.redact import strip_credentials

_SCP_LIKE = re.compile(r"(?P<host>[^/:\[\]]+(?:\[[^\]]*\])?):(?P<path>(?!//).+)", re.DOTALL)


def public_url(url: str) -> str:
    """Return ``url`` (or a path, or git's ``host:path``) as a URI fit for a manifest.

    User and password, query and fragment go (tokens hide there). A path or ``file:`` URL keeps only its last
    part, ``file:<name>``: the rest describes the machine that built.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" or (not parts.scheme and "://" not in url and not _SCP_LIKE.fullmatch(url)):
        return "file:" + quote(PurePosixPath(parts.path if parts.scheme else url).name or "local")
    if "://" not in url:
        scp = _SCP_LIKE.fullmatch(url)
        return f"ssh://{scp['host']}/{quote(scp['path'].lstrip('/'))}" if scp else "file:local"
    parts = urlsplit(strip_credentials(url))
    return urlunsplit(parts._replace(path=quote(parts.path, safe="/%:@+~!$&'()*,;="), query="", fragment=""))


def source_uri(repository: str, ref: str | None, *, git: bool) -> str:
    """Return the SLSA source URI ``git+<repository>[@<ref>]`` of a public repository URL."""
    if not git:
        return repository
    return f"git+{repository}" + (f"@{quote(ref)}" if ref else "")
