# SPDX-License-Identifier: Apache-2.0
"""Who signed an index: apt has refused bad signatures already, this tells whose the good one is, for the lock.

gpgv(1) with its status lines; machines with apt ≥ 3 may have sqv(1) in its place.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from runner import process
from runner.errors import HostError, ResolveError

if TYPE_CHECKING:
    from pathlib import Path


def signers(index: Path, keyring: Path, signature: Path | None = None) -> tuple[str, ...]:
    """Return the fingerprints of the primary keys with a valid signature on ``index``, sorted.

    ``index`` is an ``InRelease`` file, or a ``Release`` file with its detached ``signature``.

    Raises:
        ResolveError: no key of the keyring signed it.
        HostError: neither gpgv nor sqv is installed.
    """
    if shutil.which("gpgv"):
        found = _gpgv(index, keyring, signature)
    elif shutil.which("sqv"):
        found = _sqv(index, keyring, signature)
    else:
        raise HostError("no program to verify OpenPGP signatures", hint="install gpgv")
    if not found:
        raise ResolveError(f"no key that may sign it has signed {index.name}")
    return tuple(sorted(found))


def _gpgv(index: Path, keyring: Path, signature: Path | None) -> set[str]:
    files = [index] if signature is None else [signature, index]
    done = process.run(["gpgv", "--status-fd", "1", "--keyring", keyring, *files], env=_home(keyring), check=False)
    lines = [line.split() for line in done.stdout.decode("utf-8", "replace").splitlines()]
    # VALIDSIG's last field is the primary key's fingerprint (GnuPG doc/DETAILS).
    return {fields[-1] for fields in lines if fields[:2] == ["[GNUPG:]", "VALIDSIG"]}


def _sqv(index: Path, keyring: Path, signature: Path | None) -> set[str]:
    files: list[str | Path] = (
        ["--cleartext", index] if signature is None else ["--signature-file", signature, index]
    )
    done = process.run(["sqv", "--keyring", keyring, *files], env=_home(keyring), check=False)
    return set(done.stdout.decode("ascii", "replace").split()) if done.returncode == 0 else set()


def _home(keyring: Path) -> dict[str, str]:
    return process.tool_environment({"GNUPGHOME": str(keyring.parent), "HOME": str(keyring.parent)})
