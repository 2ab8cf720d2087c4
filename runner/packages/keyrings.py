# SPDX-License-Identifier: Apache-2.0
"""Which public keys may sign a repository: those the description names, else the distributions' own."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from runner.errors import DescriptionError, HostError, ResolveError

if TYPE_CHECKING:
    from runner.packages.api import ResolveContext
    from runner.plan.model import RepositoryPlan
    from runner.prepare.origin import Origin

_DISTRIBUTION_KEYRINGS = ("debian-archive-keyring.gpg", "ubuntu-archive-keyring.gpg")
_BEGIN, _END = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
_BLOCK = re.compile(rf"^{_BEGIN}[ \t]*\r?\n(?P<body>.*?)^{_END}", re.MULTILINE | re.DOTALL)
_PUBLIC_KEY_PACKET = frozenset({0xC6, 0x98, 0x99, 0x9A, 0x9B})
"""First byte of a public key packet, in the new and the old form (RFC 9580 4.2, tag 6)."""


def keyring_of(repository: RepositoryPlan, context: ResolveContext) -> bytes:
    """Return the keys that may sign ``repository`` as one binary keyring.

    Raises:
        ResolveError: a named key file is not there or is no public key.
        HostError: no key is named and no distribution keyring is installed.
    """
    from runner.prepare.origin import Origin  # prepare reads keys too: at the top this would be a circle

    if repository.keys:
        origin = Origin(context.description, context.boundary or context.description)
        return b"".join(read_key(key.uri, origin) for key in repository.keys)
    found = [context.keyrings / name for name in _DISTRIBUTION_KEYRINGS if (context.keyrings / name).is_file()]
    if not found:
        raise HostError(
            f"no keys to verify repository {repository.alias} with",
            why=f"it names no <signing> key, and {context.keyrings} holds no distribution keyring",
            hint="install debian-archive-keyring, or add <signing key='…'/> to the repository",
        )
    return b"".join(path.read_bytes() for path in found)


def read_key(uri: str, origin: Origin) -> bytes:
    """Return the public keys in the file ``uri`` in binary form.

    A relative path and ``this://`` are beside the description; ``file://`` and absolute paths on this machine.

    Raises:
        ResolveError: it is not there, outside of the checkout, on a network, or no public key.
    """
    if _scheme(uri) not in {"", "this", "file"}:
        raise ResolveError(
            f"signing key {uri} is named by a network address",
            why="a key fetched over the network at build time proves nothing",
            hint="put the key beside the description and name it as this://FILE",
        )
    try:
        path = machine_path(uri) or origin.file(beside(uri))
        data = path.read_bytes()
    except (OSError, ValueError, DescriptionError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ResolveError(
            f"cannot read the signing key {uri}", why=why, hint="check <signing key='…'/>"
        ) from error
    return _binary(data, uri)


def _scheme(uri: str) -> str:
    try:
        return urlsplit(uri).scheme
    except ValueError as error:
        raise ResolveError(f"the signing key address {uri!r} is none", why=str(error)) from error


def machine_path(uri: str) -> Path | None:
    """The absolute path a key's address means, None when it lies beside the description."""
    if uri.startswith("/"):
        return Path(uri)
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def beside(uri: str) -> str:
    """The name of a key that lies beside the description."""
    parts = urlsplit(uri)
    return unquote(parts.netloc + parts.path).lstrip("/") if parts.scheme == "this" else uri


def armoured(keyring: bytes) -> str:
    """Return a binary keyring as text (RFC 9580 6.2; the checksum may be left out)."""
    text = base64.b64encode(keyring).decode("ascii")
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([_BEGIN, "", *lines, _END])


def _binary(data: bytes, uri: str) -> bytes:
    if data.lstrip().startswith(b"-----"):
        data = b"".join(_unarmoured(block["body"]) for block in _BLOCK.finditer(data.decode("ascii", "replace")))
    if not data or data[0] not in _PUBLIC_KEY_PACKET:
        raise ResolveError(
            f"the signing key {uri} is no OpenPGP public key", hint="export it with: gpg --export KEY > FILE"
        )
    return data


def _unarmoured(body: str) -> bytes:
    lines = [line.strip() for line in body.splitlines()]
    start = next((number for number, line in enumerate(lines) if not line), -1)  # headers end at an empty line
    try:
        return base64.b64decode(
            "".join(line for line in lines[start + 1 :] if not line.startswith("=")), validate=True
        )
    except binascii.Error:
        return b""
