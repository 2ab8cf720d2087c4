# SPDX-License-Identifier: Apache-2.0
"""The forms that texts of the configuration have; each function returns what it means, or says what it must be.

All raise ValueError with words that go behind the key. None repeats the text: it may be a secret at a wrong place.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import PurePosixPath
from urllib.parse import SplitResult, urlsplit

from runner.byte_size import byte_size
from runner.errors import HostError, SourceError, UsageError

_FIELDS = 5
_LONGEST = 250
_LAST_PORT = 65535
_NEVER_IN_REF = re.compile(r"[\x00-\x20\x7f~^:\\]|\.\.|@\{|//")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


def size(text: str) -> int:
    """Bytes."""
    try:
        return byte_size(text)
    except ValueError:
        raise ValueError("must be a size such as 700M, 4G or a number of bytes") from None


def cron(text: str) -> str:
    """Five fields of crontab(5) that come due at some time."""
    try:
        from croniter import CroniterError, croniter
    except ImportError:
        raise HostError(
            "what packhouse serve needs is not installed", why="croniter is missing", hint="make install-service"
        ) from None
    if len(text.split()) != _FIELDS:
        raise ValueError("must have five fields as in crontab(5): minute, hour, day, month, weekday")
    try:
        croniter(text, 0).get_next(float)
    except (CroniterError, ValueError, OverflowError):
        raise ValueError("must be five fields as in crontab(5) that come due at some time") from None
    return text


def timezone(text: str) -> str:
    """A name in the time zone database."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a name of the time zone database, such as UTC or Europe/Berlin") from None
    return text


def ref_pattern(text: str) -> str:
    """A pattern of names of branches or tags: ``*``, ``?`` and ``[…]`` as in glob(7)."""
    if text.startswith("refs/"):
        raise ValueError("must be the short name of a branch or tag, without refs/heads/ or refs/tags/")
    if _is_no_pattern(text) or _NEVER_IN_REF.search(text) or text.startswith(("-", "/")) or text.endswith("/"):
        raise ValueError("must be the name of a branch or tag, where * ? [ ] stand for others")
    return text


def ref_name(text: str) -> str:
    """The short name of one branch or tag."""
    if re.search(r"[*?\[]", text):
        raise ValueError("must be one branch or tag, not a pattern")
    return ref_pattern(text)


def author(text: str) -> str:
    """Somebody who commits, as git writes him; git itself drops punctuation around a name."""
    if not re.fullmatch(r"\w[^<>\x00-\x1f\x7f]{0,99}(?<=\w) <[^<>\s@]{1,100}@[^<>\s@]{1,100}(?<=\w)>", text):
        raise ValueError("must be a name and an address such as Packhouse <packhouse@example.org>")
    return text


def folder_pattern(text: str) -> str:
    """A pattern of folders in a repository; ``**`` stands for any number of levels."""
    parts = PurePosixPath(text).parts
    if _is_no_pattern(text) or _UNPRINTABLE.search(text) or text.startswith("/") or ".." in parts:
        raise ValueError("must be a folder inside the repository, where * ? [ ] and ** stand for others")
    return text


def _is_no_pattern(text: str) -> bool:
    """Whether it is empty, very long, or a bracket in it is not closed."""
    return not 0 < len(text) <= _LONGEST or "[" in re.sub(r"\[!?[^/][^/\]]*\]", "", text)


def repository_url(text: str) -> str:
    """A git URL without a login, which would be shown to everybody who reads the file."""
    from runner.sources.address import Address, parse

    try:
        address = parse(text)
    except SourceError as error:
        raise ValueError(f"must be a git URL (https, ssh or file): {error.why or error.what}") from None
    if not isinstance(address, Address):
        raise ValueError("must be a git URL (https, ssh or file)")  # noqa: TRY004  # a path is no wrong type
    if address.login is not None:
        raise ValueError("must not hold a login: name its secrets in environment (PACKHOUSE_GIT_PASSWORD)")
    return text


def storage_url(text: str) -> str:
    """``s3://BUCKET/PREFIX`` or ``file:///DIR``."""
    from runner.storage.location import parse_location

    try:
        location = parse_location(text)
    except UsageError:
        location = None
    if location is None or "://" not in text or location.scheme not in {"s3", "file"}:
        raise ValueError("must be s3://BUCKET/PREFIX or file:///DIR")
    if location.scheme == "file" and (location.host or not location.path.startswith("/")):
        raise ValueError("must have three slashes: file:///DIR")
    return text


def http_url(text: str) -> str:
    """An address of the web, without login, query and fragment."""
    parts = _split(text)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be https://HOST or https://HOST/PATH")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must hold neither a login nor anything behind ? or #")
    return text


def target_url(text: str) -> str:
    """Where a message goes: a web address, which may have a query, or a mail server."""
    parts = _split(text)
    if parts is None or parts.scheme not in {"http", "https", "smtp", "smtps"} or not parts.hostname:
        raise ValueError("must be https://HOST/PATH, or for e-mail smtp://HOST:PORT or smtps://HOST:PORT")
    if "@" in parts.netloc:
        raise ValueError("must not hold a login: name its secret in url_secret or token")
    return text


def database_url(text: str) -> str:
    """The URL of a PostgreSQL database, without a password."""
    parts = _split(text)
    if parts is None or parts.scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise ValueError("must be postgresql://USER@HOST/NAME; without it, SQLite in the folder of state is used")
    if parts.password is not None or "password=" in parts.query:
        raise ValueError("must not hold a password: put the URL into a secret and name that in database_secret")
    return text


def listen_address(text: str) -> str:
    """``HOST:PORT``; an IPv6 address stands in brackets."""
    host, colon, port = text.rpartition(":")
    if not (colon and re.fullmatch(r"[0-9]{1,5}", port, re.ASCII) and int(port) <= _LAST_PORT):
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:8080 or [::]:8080")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if bare != host and not _is_network(bare):
        raise ValueError("must have an IPv6 address in its brackets, such as [::]:8080")
    if bare == host and not re.fullmatch(r"[A-Za-z0-9.-]+", host):
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:8080; an IPv6 address stands in brackets")
    return text


def network(text: str) -> str:
    """An address or a network, such as ``10.0.0.0/8``."""
    if not _is_network(text):
        raise ValueError("must be an address or a network, such as 127.0.0.1 or 10.0.0.0/8")
    return text


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _split(text: str) -> SplitResult | None:
    """Take a URL apart; None when it is none."""
    if _UNPRINTABLE.search(text) or " " in text:
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts
