# SPDX-License-Identifier: Apache-2.0
"""How a source address appears in public: without credentials, without folders of the machine that built."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import quote, urlsplit

from runner.redact import strip_credentials

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_SCP_LIKE = re.compile(r"(?P<host>[^/:]+):(?P<path>.+)", re.DOTALL)
"""Git's short form of an ssh address; a path with a colon is written ``./a:b``."""


def public_url(url: str) -> str:
    """Return ``url`` (or a path, or git's ``host:path``) as a URI fit for a manifest.

    User and password, query and fragment go (tokens hide there). A path or ``file:`` URL keeps only its last
    part, ``file:<name>``: the rest describes the machine that built.
    """
    if url.lower().startswith("file:"):
        return _local(url[len("file:") :])
    if _URL.match(url):
        return _remote(url)
    if scp := _SCP_LIKE.fullmatch(url):
        return _remote(f"ssh://{scp['host']}/{scp['path'].lstrip('/')}")
    return _local(url)


def source_uri(repository: str, ref: str | None, *, git: bool) -> str:
    """Return the SLSA source URI ``git+<repository>[@<ref>]`` of a public repository URL."""
    if not git:
        return repository
    return f"git+{repository}" + (f"@{quote(ref)}" if ref else "")


def _local(path: str) -> str:
    return "file:" + (quote(PurePosixPath(path).name, errors="surrogateescape") or "local")


def _remote(url: str) -> str:
    try:
        parts = urlsplit(strip_credentials(url))
    except ValueError:  # brackets that hold no IPv6 address: no repository can be there
        return f"{url.partition(':')[0]}://unknown"
    host, path = quote(parts.netloc, safe="[]:@%"), quote(parts.path, safe="/%:@+~!$&'()*,;=")
    return f"{parts.scheme}://{host}{path}"
