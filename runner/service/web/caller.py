# SPDX-License-Identifier: Apache-2.0
"""Who calls: the address behind proxies that are trusted, and the role that a token gives."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import time
from typing import TYPE_CHECKING, Any

from litestar.exceptions import NotAuthorizedException, PermissionDeniedException, TooManyRequestsException

from runner.service.config.secrets import SecretError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler
    from litestar.types import Guard

    from runner.service.config.model import Role, Token
    from runner.service.config.secrets import Secrets
    from runner.service.web.site import Site

    Connection = ASGIConnection[Any, Any, Any, Any]

_ROLES: tuple[Role, ...] = ("read", "trigger", "admin")
_SCHEME = "bearer "
_LONGEST_TOKEN = 4096


def address_of(connection: Connection, trusted: Sequence[str]) -> str:
    """Return the address of who calls: the last in ``X-Forwarded-For`` that no proxy of ``trusted`` has.

    A proxy appends the address it sees, so what stands before the first stranger may be made up.
    """
    networks = [ipaddress.ip_network(text, strict=False) for text in trusted]
    address = connection.client.host if connection.client else ""
    forwarded = [part.strip() for part in connection.headers.get("x-forwarded-for", "").split(",")]
    while forwarded and _is_in(address, networks):
        address = forwarded.pop() or address
    return address


def _is_in(address: str, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed  # how a socket of both kinds shows IPv4
    return any(parsed in network for network in networks)


def role_of(token: str, tokens: dict[str, Token], secrets: Secrets) -> Role | None:
    """Return the role that ``token`` gives, None for a wrong one. Takes as long for the one as for the other."""
    given = hashlib.sha256(token.encode()).digest()
    found: Role | None = None
    for entry in tokens.values():
        try:
            right = secrets.value(entry.secret)
        except SecretError:
            continue
        if hmac.compare_digest(given, hashlib.sha256(right.encode()).digest()) and _is_more(entry.role, found):
            found = entry.role
    return found


def needs(role: Role) -> Guard:
    """Return a guard that lets only those pass whose token gives ``role`` or a higher one."""

    def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        site: Site = connection.app.state.site
        found = _identify(connection, site)
        if _ROLES.index(found) < _ROLES.index(role):
            raise PermissionDeniedException(f"this needs a token with the role {role}; yours has {found}")

    return guard


def _identify(connection: Connection, site: Site) -> Role:
    header = connection.headers.get("authorization", "")
    token = header[len(_SCHEME) :].strip()
    if header[: len(_SCHEME)].lower() != _SCHEME or not token or len(token) > _LONGEST_TOKEN:
        raise NotAuthorizedException("this needs a token", headers={"WWW-Authenticate": "Bearer"})
    found = role_of(token, site.config.tokens, site.runner.settings.secrets)
    if found is not None:
        return found
    wait = site.wrong_tokens.wait(address_of(connection, site.config.trusted_proxies), time.monotonic())
    if wait:
        raise TooManyRequestsException("too many wrong tokens", headers={"Retry-After": str(int(wait) + 1)})
    raise NotAuthorizedException("the token is wrong", headers={"WWW-Authenticate": "Bearer"})


def _is_more(role: Role, than: Role | None) -> bool:
    return than is None or _ROLES.index(role) > _ROLES.index(than)
