# SPDX-License-Identifier: Apache-2.0
"""``mirror://NAME``: the mirror this machine is configured for.

A description that names a mirror symbolically, and a lock made from it, hold on any machine. The name is looked up
in this order: the command line (``--mirror NAME=URL``), ``PACKHOUSE_MIRROR_<NAME>``, the runner's configuration,
the machine's own apt sources, a built-in public mirror.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import ResolveError
from runner.redact import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCHEME = "mirror://"

_PUBLIC = {
    "debian": "https://mirrors.kernel.org/debian",
    "debian-security": "https://mirrors.kernel.org/debian-security",
    "ubuntu": "https://mirrors.kernel.org/ubuntu",
}

_REACHABLE = ("http://", "https://", "ftp://")

_ONE_LINE = re.compile(r"^deb\s+(?:\[[^\]]*\]\s+)?(?P<uri>\S+)\s+\S+")


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Looks symbolic mirrors up.

    Attributes:
        given: from the command line.
        env: the process environment (``PACKHOUSE_MIRROR_DEBIAN_SECURITY`` for ``debian-security``).
        configured: from the runner's configuration file.
        apt_folder: the machine's apt configuration, ``/etc/apt``.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    configured: Mapping[str, str] = field(default_factory=dict)
    apt_folder: Path = Path("/etc/apt")

    def resolve(self, uri: str) -> str:
        """Return ``uri`` with a symbolic mirror replaced by its URL, without a trailing slash.

        Raises:
            ResolveError: nobody knows that mirror.
        """
        if not uri.startswith(SCHEME):
            return uri.rstrip("/")
        name, _, rest = uri.removeprefix(SCHEME).partition("/")
        base = self._lookup(name)
        if base is None:
            raise ResolveError(
                f"no mirror named {name!r} is known",
                why=f"the description uses {uri}",
                hint=f"give one with --mirror {name}=URL or {_variable(name)}=URL",
            )
        return f"{base.rstrip('/')}/{rest}".rstrip("/")

    @staticmethod
    def public(uri: str) -> str | None:
        """Return the address under which everybody can reach ``uri``, the same on every machine; None without one.

        Logins are left out; a symbolic mirror is the well-known one of that name.
        """
        if not uri.startswith(SCHEME):
            return strip_credentials(uri) if uri.startswith(_REACHABLE) else None
        name, _, rest = uri.removeprefix(SCHEME).partition("/")
        base = _PUBLIC.get(name)
        return f"{base}/{rest}".rstrip("/") if base is not None else None

    def _lookup(self, name: str) -> str | None:
        for table in (self.given, {name: self.env.get(_variable(name), "")}, self.configured):
            if table.get(name):
                return table[name]
        for uri in _apt_uris(self.apt_folder):
            if uri.rstrip("/").rpartition("/")[2] == name:
                return uri
        return _PUBLIC.get(name)


def _variable(name: str) -> str:
    return "PACKHOUSE_MIRROR_" + re.sub(r"[^A-Z0-9]", "_", name.upper())


def _apt_uris(folder: Path) -> Iterator[str]:
    """URIs of the machine's binary package sources, in both formats of sources.list(5)."""
    parts = folder / "sources.list.d"
    names = sorted(parts.iterdir()) if parts.is_dir() else []
    for path in (folder / "sources.list", *names):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        yield from _deb822_uris(text) if path.suffix == ".sources" else _one_line_uris(text)


def _one_line_uris(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if found := _ONE_LINE.match(line.strip()):
            yield found["uri"]


def _deb822_uris(text: str) -> Iterator[str]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = {
            key.strip().lower(): value.strip()
            for key, colon, value in (
                line.partition(":") for line in stanza.splitlines() if line[:1] not in "# \t"
            )
            if colon
        }
        if fields.get("enabled", "yes").lower() in {"no", "false"} or "deb" not in fields.get("types", "").split():
            continue
        yield from fields.get("uris", "").split()
