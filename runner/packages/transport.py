# SPDX-License-Identifier: Apache-2.0
"""HTTP as package files need it: redirects followed, proxies honoured, a login shown to its own server alone."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from runner.redact import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    import urllib3

    from runner.packages.credentials import Login
    from runner.packages.proxies import Proxies

_CHUNK = 1 << 18
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200


class StatusError(Exception):
    """The server answered something else than the file. ``url`` has no login."""

    def __init__(self, status: int, reason: str, url: str) -> None:
        super().__init__(f"the server answered {status} {reason}".rstrip())
        self.status = status
        self.url = strip_credentials(url)


class RedirectError(Exception):
    """The server leads to where we do not follow."""


class Transport:
    """Gets files from web servers; safe to use from many threads.

    Args:
        proxies: which proxy leads where.
        connections: how many stay open to each server.
    """

    def __init__(self, proxies: Proxies, connections: int) -> None:
        import urllib3

        self._proxies = proxies
        timeout = urllib3.Timeout(connect=10, read=30)
        self._direct = urllib3.PoolManager(maxsize=connections, timeout=timeout, retries=False)
        self._by_proxy = {
            proxy: urllib3.ProxyManager(
                strip_credentials(proxy),
                proxy_headers=_proxy_headers(proxy),
                maxsize=connections,
                timeout=timeout,
                retries=False,
            )
            for proxy in set(proxies.by_scheme.values())
        }

    def get(self, url: str, login: Login | None = None) -> Iterator[bytes]:
        """Yield the content of ``url``, at most five redirects away.

        Raises:
            StatusError: an answer other than 200.
            RedirectError: too many redirects, or one to an unsafe place.
            urllib3.exceptions.HTTPError, OSError: the network failed.
        """
        here = url
        for _ in range(_MOST_REDIRECTS + 1):
            headers = _basic(login) if login is not None and _origin(here) == _origin(url) else {}
            response = self._pool(here).request(
                "GET", here, headers=headers, redirect=False, preload_content=False
            )
            try:
                target = response.headers.get("Location") if response.status in _REDIRECTS else None
                if target is None:
                    if response.status != _OK:
                        raise StatusError(response.status, response.reason or "", here)
                    yield from response.stream(_CHUNK)
                    return
                here = _next(here, target)
            finally:
                response.close()
        raise RedirectError(f"more than {_MOST_REDIRECTS} redirects")

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = self._proxies.for_url(url)
        return self._direct if proxy is None else self._by_proxy[proxy]


def network_errors() -> tuple[type[Exception], ...]:
    """Whatever a failing network raises: worth another try."""
    import urllib3

    return (urllib3.exceptions.HTTPError, OSError)


def _next(here: str, target: str) -> str:
    try:
        following = strip_credentials(urljoin(here, target))
        before, after = urlsplit(here).scheme, urlsplit(following).scheme
        _origin(following)  # a port that is no number
    except ValueError as error:
        raise RedirectError("the server redirects to an address that is none") from error
    if after not in {before, "https"}:
        raise RedirectError(f"the server redirects from {before} to {after or 'nowhere'}")
    return following


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _basic(login: Login) -> dict[str, str]:
    token = base64.b64encode(f"{login.username}:{login.password}".encode()).decode("ascii")
    return {"Authorization": f"Basic {token}"}


def _proxy_headers(proxy: str) -> dict[str, str]:
    from runner.packages.credentials import split_login

    login = split_login(proxy)[1]
    return {f"Proxy-{name}": value for name, value in _basic(login).items()} if login is not None else {}
