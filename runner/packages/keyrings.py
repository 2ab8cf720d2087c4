# SPDX-License-Identifier: Apache-2.0
"""Which public keys may sign a repository: those the description names, else the distributions' own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from runner.errors import HostError, ResolveError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.packages.api import ResolveContext
    from runner.plan.model import RepositoryPlan

_DISTRIBUTION_KEYRINGS = ("debian-archive-keyring.gpg", "ubuntu-archive-keyring.gpg")
_ARMOUR = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"


def keyring_of(repository: RepositoryPlan, context: ResolveContext, folder: Path) -> Path:
    """Write the keys that may sign ``repository`` into one file in ``folder`` and return it.

    Raises:
        ResolveError: a named key file is not there or is no key.
        HostError: no key is named and no distribution keyring is installed.
    """
    if repository.keys:
        blocks = [_read_key(key.uri, context.description) for key in repository.keys]
    else:
        blocks = [
            (context.keyrings / name).read_bytes()
            for name in _DISTRIBUTION_KEYRINGS
            if (context.keyrings / name).is_file()
        ]
        if not blocks:
            raise HostError(
                f"no keys to verify repository {repository.alias} with",
                why=f"it names no <signing> key, and {context.keyrings} holds no distribution keyring",
                hint="install debian-archive-keyring, or add <signing key='…'/> to the repository",
            )
    armoured = [block.lstrip().startswith(_ARMOUR) for block in blocks]
    if any(armoured) and not all(armoured):
        raise ResolveError(
            f"repository {repository.alias} mixes armoured and binary signing keys",
            hint="convert them to one form with: gpg --dearmor",
        )
    # apt tells the two forms apart by the file's ending.
    path = folder / f"keys-{repository.alias}.{'asc' if all(armoured) else 'gpg'}"
    path.write_bytes(b"\n".join(blocks) if all(armoured) else b"".join(blocks))
    return path


def _read_key(uri: str, description: Path) -> bytes:
    parts = urlsplit(uri)
    if parts.scheme in {"http", "https", "ftp"}:
        raise ResolveError(
            f"signing key {uri} is named by a network address",
            why="a key fetched over the network at build time proves nothing",
            hint="put the key beside the description and name it as this://FILE",
        )
    name = unquote(parts.netloc + parts.path) if parts.scheme == "this" else unquote(parts.path)
    path = description / name.lstrip("/") if parts.scheme in {"this", ""} and not name.startswith("//") else None
    if parts.scheme == "file" or uri.startswith("/"):
        path = description.__class__(name)
    try:
        return path.read_bytes() if path is not None else b""
    except OSError as error:
        raise ResolveError(
            f"cannot read the signing key {uri}", why=error.strerror, hint="check <signing key='…'/>"
        ) from error
