# SPDX-License-Identifier: Apache-2.0
"""Read what a user calls a source: a git URL of a transport we trust, or a path on this machine."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from runner.errors import SourceError
from runner.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Collection

_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(
    r"(?:(?P<user>[^@:/\s]+)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]):(?P<path>[^:].*)"
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_ACCEPTED = "https://, ssh://, user@host:path, http://, file:// or the path of a folder"
_TRANSPORTS = ("https", "http", "ssh", "file")


@dataclass(frozen=True, slots=True)
class Login:
    """User name and password (or token) for one host; never shown."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """A repository git may fetch from.

    Attributes:
        url: what git is given: free of secrets, safe to print and to keep.
        transport: ``https``, ``http``, ``ssh`` or ``file``.
        login: user and password that stood in the URL of an http(s) address.
    """

    url: str
    transport: str
    login: Login | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port: the only place this address's login may be sent to."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


def shown(text: str) -> str:
    """Return ``text`` as errors may print it: one line, no user part in a URL."""
    masked = Redactor()(text)
    return masked.encode("unicode_escape", "backslashreplace").decode() if _UNPRINTABLE.search(masked) else masked


def parse(source: str) -> Address | Path:
    """Tell what ``source`` is.

    Raises:
        SourceError: empty, not a well-formed URL, or of a transport that is not accepted.
    """
    if not source.strip():
        raise SourceError("the source is empty", hint=f"give {_ACCEPTED}")
    if source.startswith("-"):
        raise _refused(source, "a source must not start with '-'", "for a folder of that name write ./" + source)
    if _UNPRINTABLE.search(source):
        raise _refused(source, "it contains control characters", f"give {_ACCEPTED}")
    if scheme := _SCHEME.match(source):
        return _parse_url(source, scheme["scheme"].lower())
    if helper := _HELPER.match(source):
        raise _refused(source, f"the transport {helper[0]} can run programs", f"give {_ACCEPTED}")
    scp = _SCP.fullmatch(source)
    if scp and not _is_there(source):
        return _parse_scp(source, scp)
    return Path(source)


def _is_there(source: str) -> bool:
    try:
        return Path(source).exists()
    except OSError:  # too long for a path, or behind a folder we may not enter
        return False


def _parse_url(source: str, scheme: str) -> Address:
    if scheme == "git":
        raise _refused(source, "git:// is neither encrypted nor authenticated", "use https:// or ssh://")
    if scheme not in _TRANSPORTS:
        raise _refused(source, f"the transport {scheme}:// is not accepted", f"give {_ACCEPTED}")
    try:
        parts = urlsplit(source)
        _ = parts.port
    except ValueError as error:
        raise _refused(source, "it is not a well-formed URL", "check host and port") from error
    if parts.query or parts.fragment:
        bare = urlunsplit(parts._replace(query="", fragment=""))  # a query may hold a token
        raise _refused(bare, "a query or fragment after it has no meaning here", "give the ref with --ref")
    if scheme == "file":
        return _parse_file(source, parts)
    if not parts.hostname or parts.hostname.startswith("-"):
        raise _refused(source, "it names no host", "write it as scheme://host/path")
    return _parse_ssh(source, parts) if scheme == "ssh" else _parse_http(parts)


def _parse_file(source: str, parts: SplitResult) -> Address:
    if parts.netloc not in {"", "localhost"} or not parts.path.strip("/"):
        raise _refused(source, "a file URL must be file:///path", "three slashes: the host part is empty")
    return Address(urlunsplit(parts._replace(netloc="")), "file")


def _parse_ssh(source: str, parts: SplitResult) -> Address:
    if parts.password is not None:
        raise _refused(source, "ssh takes no password from a URL", "use an ssh key or agent")
    if (parts.username or "").startswith("-"):
        raise _refused(source, "the user name starts with '-'", "check the URL")
    return Address(urlunsplit(parts), "ssh")


def _parse_http(parts: SplitResult) -> Address:
    userinfo, at, host = parts.netloc.rpartition("@")
    clean = urlunsplit(parts._replace(netloc=host))
    if not at:
        return Address(clean, parts.scheme)
    username, _, password = userinfo.partition(":")
    return Address(clean, parts.scheme, Login(unquote(username), unquote(password)))


def _parse_scp(source: str, scp: re.Match[str]) -> Address:
    if (scp["user"] or "").startswith("-") or scp["path"].startswith("-"):
        raise _refused(source, "a part of it starts with '-'", "check the address")
    if scp["user"] is None and re.match(r"[^/]*@[^/]*:", scp["path"]):
        raise SourceError("ssh takes no password from an address", hint="use an ssh key or agent: user@host:path")
    return Address(source, "ssh")


def parse_submodule(url: str, *, parent: Address, transports: Collection[str]) -> Address:
    """Return the address of a submodule whose ``.gitmodules`` entry says ``url``.

    ``url`` may be relative to ``parent`` (``./x``, ``../x``; gitmodules(5)). Credentials in it are refused:
    they are committed, hence public.

    Raises:
        SourceError: its transport is not one of ``transports``, or it is a path of this machine.
    """
    address = _relative(url, parent) if url.startswith(("./", "../")) else parse(url)
    if isinstance(address, Path):
        if "file" in transports and address.is_absolute():
            return Address(url, "file")
        raise _refused(url, "a path of this machine is not a place to fetch a submodule from", "use an https URL")
    if address.transport not in transports:
        allowed = ", ".join(sorted(transports))
        raise _refused(url, f"submodules may use {allowed} here, not {address.transport}", "use an https URL")
    if address.login is not None:
        raise _refused(url, "it carries credentials", "remove them from .gitmodules")
    return address


def _relative(url: str, parent: Address) -> Address:
    head, separator, path = _split_path(parent.url.rstrip("/"))
    segments = path.split("/")
    rest = url
    while rest.startswith(("./", "../")):
        step, _, rest = rest.partition("/")
        if step == "..":
            if not segments or segments == [""]:
                raise _refused(url, "it leads above the host of the repository", "correct .gitmodules")
            segments.pop()
    segments += [part for part in rest.split("/") if part]
    if ".." in segments or _UNPRINTABLE.search(url):
        raise _refused(url, "it is not a clean relative URL", "correct .gitmodules")
    return Address(head + separator + "/".join(segments), parent.transport)


def _split_path(url: str) -> tuple[str, str, str]:
    """Split an address before its path: (``https://host``, ``/``, ``a/b``) or (``git@host``, ``:``, ``a/b``)."""
    if scheme := _SCHEME.match(url):
        host, slash, path = url[scheme.end() :].partition("/")
        return scheme[0] + host, slash, path
    if url.startswith("/"):
        return "", "/", url[1:]
    return url.partition(":")


def _refused(source: str, why: str, hint: str) -> SourceError:
    return SourceError(f"cannot use {shown(source)!r} as a source", why=why, hint=hint)
