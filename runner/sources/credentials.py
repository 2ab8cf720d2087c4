# SPDX-License-Identifier: Apache-2.0
"""Hand logins to git without showing them: not in arguments, not in the environment, not on disk.

A login lies in an anonymous memory file whose descriptor git's children inherit. A one-line credential helper
reads it when, and only when, git asks for a login for the host it belongs to (gitcredentials(7)).
"""

from __future__ import annotations

import os
import shlex
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from runner.errors import SourceError
from runner.sources.address import Address, Login

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

USERNAME = "PACKHOUSE_GIT_USERNAME"
PASSWORD = "PACKHOUSE_GIT_PASSWORD"  # noqa: S105 - the name of a variable
HELPER = "PACKHOUSE_GIT_CREDENTIAL_HELPER"
_TOKEN_USER = "x-access-token"  # noqa: S105 - what forges accept as the name beside a token
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class Handover:
    """What git must be started with to find its logins: configuration and open descriptors."""

    config: tuple[tuple[str, str], ...] = ()
    pass_fds: tuple[int, ...] = ()


def login_for(address: Address, env: Mapping[str, str]) -> Login | None:
    """Return the login for ``address``: that of its URL, completed by or else taken from the environment."""
    if address.transport not in {"https", "http"}:
        return None
    password = env.get(PASSWORD, "")
    if address.login is not None:
        return Login(address.login.username, address.login.password or password)
    if not password:
        return None
    return Login(env.get(USERNAME) or _TOKEN_USER, password)


def secrets_of(source: str, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return every secret that fetching ``source`` may touch, for the redactor; never fails.

    A user name that stands alone in a URL counts: forges accept a token in its place.
    """
    secrets = [env.get(PASSWORD, "")]
    for url in (source, *(env.get(name, "") for name in PROXIES)):
        try:
            userinfo = urlsplit(url).netloc.rpartition("@")[0]
        except ValueError:
            userinfo = url.partition("://")[2].rpartition("@")[0]
        username, _, password = userinfo.partition(":")
        if url == source and not password and not source.lower().startswith("ssh:"):
            password = username
        secrets += [password, unquote(password)]
    return tuple(sorted({secret for secret in secrets if secret}))


@contextmanager
def handed_over(address: Address | None, env: Mapping[str, str]) -> Iterator[Handover]:
    """Keep the logins for ``address`` where git finds them, until the end of the ``with`` block.

    Raises:
        SourceError: a login contains a line break, which git's credential protocol cannot carry.
    """
    config: list[tuple[str, str]] = []
    login = login_for(address, env) if address else None
    handle = _memory_file(login) if login else None
    try:
        if address and handle is not None:
            reader = f'!f() {{ if test "$1" = get; then cat /proc/self/fd/{handle}; fi; }}; f'
            config.append((f"credential.{address.origin}.helper", reader))
        if helper := env.get(HELPER):
            config.append(("credential.helper", _helper(helper, env.get("HOME", "/nonexistent"))))
        yield Handover(tuple(config), () if handle is None else (handle,))
    finally:
        if handle is not None:
            os.close(handle)


def _memory_file(login: Login) -> int:
    if any(mark in login.username + login.password for mark in "\r\n\0"):
        raise SourceError("the git user name or password contains a line break", hint=f"check ${PASSWORD}")
    handle = os.memfd_create("packhouse-login")
    os.write(handle, f"username={login.username}\npassword={login.password}\n".encode())
    return handle


def _helper(helper: str, home: str) -> str:
    """Give the user's own helper the home it keeps its store in; git itself runs without one."""
    prefix = f"!HOME={shlex.quote(home)}; export HOME; "
    if helper.startswith("!"):
        return prefix + helper[1:]
    return prefix + (helper if helper.startswith("/") else f"git credential-{helper}")
