# SPDX-License-Identifier: Apache-2.0
"""Logins of repositories: taken from the environment, a secret file or the description, and never written down.

For the repository with the alias ``my-repo`` the environment has ``PACKHOUSE_REPOSITORY_MY_REPO_USERNAME`` and
``…_PASSWORD``, or ``…_CREDENTIALS_FILE``: a file with ``username=`` and ``password=`` lines (as zypper's), or
``user:password`` as its first line. What is missing there is taken from the ``username`` and ``password``
attributes of the description, else from a login inside the address. Plans, locks and manifests hold none of it.

An alias is a name that the description chooses: set these variables only where you trust what is built.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from runner.errors import UsageError
from runner.redact import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = "PACKHOUSE_REPOSITORY_"
_SECRET = re.compile(rf"{PREFIX}\w+_PASSWORD")
_SECRET_FILE = re.compile(rf"{PREFIX}\w+_CREDENTIALS_FILE")
_LARGEST_FILE = 1 << 16


@dataclass(frozen=True, slots=True)
class Login:
    """A user name and its password; the password is empty where the name is a token by itself."""

    username: str = field(repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Written:
    """What a description says of one repository's login."""

    alias: str
    uri: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Finds the login of a repository.

    Attributes:
        env: the process environment.
        written: logins of the description, by alias and address without login, and with an empty alias by address
            alone. Never by alias alone: a login goes to no address that it was not written for.
    """

    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    written: Mapping[tuple[str, str], Login] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, env: Mapping[str, str], entries: Iterable[Written]) -> Credentials:
        """Gather the logins that the repository ``entries`` of a description bring along."""
        found: dict[tuple[str, str], Login] = {}
        for entry in entries:
            uri, inside = split_login(entry.uri)
            login = Login(entry.username, entry.password) if entry.username or entry.password else inside
            if login is not None:
                found.setdefault((entry.alias, uri), login)
                found.setdefault(("", uri), login)
        return cls(env, found)

    def login_for(self, alias: str, uri: str, url: str = "") -> Login | None:
        """Return the login of the repository ``alias`` planned at ``uri``, None when it needs none.

        ``url`` is where it really is: a mirror may be configured with a login of its own.

        Raises:
            UsageError: the secret file that the environment names cannot be read.
        """
        username, password = self._from_environment(alias)
        plain = strip_credentials(uri)
        given = self.written.get((alias, plain)) or self.written.get(("", plain)) or split_login(url or uri)[1]
        given = given or Login("")
        login = Login(username or given.username, password or given.password)
        return login if login.username or login.password else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every password that may be used here. A file that cannot be read is told of when it is needed."""
        own = [value for name, value in self.env.items() if _SECRET.fullmatch(name)]
        for name, value in self.env.items():
            if value and _SECRET_FILE.fullmatch(name):
                with contextlib.suppress(UsageError):
                    own.append(_read(Path(value), name)[1])
        return tuple(dict.fromkeys([*own, *(login.password for login in self.written.values())]))

    def _from_environment(self, alias: str) -> tuple[str, str]:
        stem = PREFIX + re.sub(r"[^A-Z0-9]", "_", alias.upper())
        if name := self.env.get(f"{stem}_CREDENTIALS_FILE", ""):
            return _read(Path(name), f"{stem}_CREDENTIALS_FILE")
        return self.env.get(f"{stem}_USERNAME", ""), self.env.get(f"{stem}_PASSWORD", "")


def split_login(url: str) -> tuple[str, Login | None]:
    """Return ``url`` without its login, and the login."""
    try:
        userinfo = urlsplit(url).netloc.rpartition("@")[0]
    except ValueError:
        return strip_credentials(url), None
    if not userinfo:
        return url, None
    username, _, password = userinfo.partition(":")
    return strip_credentials(url), Login(unquote(username), unquote(password))


def _read(path: Path, variable: str) -> tuple[str, str]:
    try:
        with path.open(encoding="utf-8") as stream:
            lines = stream.read(_LARGEST_FILE).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"cannot read the file {variable} names", where=str(path), why=why) from error
    fields = {
        key.strip().lower(): value.strip() for key, sign, value in (line.partition("=") for line in lines) if sign
    }
    if "username" in fields or "password" in fields:
        return fields.get("username", ""), fields.get("password", "")
    username, colon, password = (lines or [""])[0].strip().partition(":")
    if not colon:
        raise UsageError(
            f"the file {variable} names holds no login",
            where=str(path),
            hint="write username=… and password=… on two lines, or user:password on the first",
        )
    return username, password
