# SPDX-License-Identifier: Apache-2.0
"""Which proxy leads to a server: ``http_proxy``, ``https_proxy`` and ``no_proxy``, as curl(1) reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner.errors import HostError
from runner.redact import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Proxies:
    """Addresses of proxies by scheme, empty for none; ``exempt`` is the text of ``no_proxy``."""

    by_scheme: Mapping[str, str] = field(default_factory=dict, repr=False)
    exempt: str = ""

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Proxies:
        """Read the proxies of the environment; names in lower case win.

        Raises:
            HostError: a proxy's address is none.
        """
        common = env.get("all_proxy") or env.get("ALL_PROXY") or ""
        found = {
            # HTTP_PROXY in capitals is never read: a web server sets it from a header of its client (httpoxy).
            "http": env.get("http_proxy") or common,
            "https": env.get("https_proxy") or env.get("HTTPS_PROXY") or common,
        }
        checked = {scheme: _checked(proxy, scheme) for scheme, proxy in found.items() if proxy}
        return cls(checked, env.get("no_proxy") or env.get("NO_PROXY") or "")

    def for_url(self, url: str) -> str | None:
        """Return the proxy for ``url``, login included; None to go there directly."""
        parts = urlsplit(url)
        proxy = self.by_scheme.get(parts.scheme)
        if proxy is None or self._is_exempt(parts.hostname or "", parts.port):
            return None
        return proxy

    def _is_exempt(self, host: str, port: int | None) -> bool:
        """An entry is a host, which stands for all below it too, perhaps with a port; ``*`` is all."""
        for entry in self.exempt.lower().split(","):
            name, _, only = entry.strip().lstrip(".").partition(":")
            if name == "*" or (name and (host == name or host.endswith(f".{name}")) and only in {"", str(port)}):
                return True
        return False


def _checked(proxy: str, scheme: str) -> str:
    address = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or any(char in address for char in '"\\ \t\r\n;'):
        raise HostError(
            f"{scheme}_proxy is not the address of an HTTP proxy",
            where=strip_credentials(address),
            hint="set it to http://HOST:PORT, or unset it",
        )
    return address.rstrip("/")
