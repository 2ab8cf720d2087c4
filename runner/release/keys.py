# SPDX-License-Identifier: Apache-2.0
"""Ed25519 key pairs as files that openssl reads: PKCS#8 PEM for the private half, SPKI PEM for the public one.

A key's id is the SHA-256 of its SPKI DER encoding (``openssl pkey -pubin -outform DER | sha256sum``).
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.digest import sha256_bytes
from runner.errors import Location, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_LARGEST = 1 << 16
"""Bytes read of a key file at most: a key is some hundred."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Where a new key pair lies: ``private`` (mode 0600) and ``public``, and its id."""

    private: Path
    public: Path
    keyid: str


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key; ``spki`` is its DER encoding."""

    keyid: str
    spki: bytes

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Tell whether ``signature`` over ``message`` was made by this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        key: Ed25519PublicKey = load_der_public_key(self.spki)  # type: ignore[assignment]  # checked on loading
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def generate(path: Path, passphrase: str | None = None) -> KeyPair:
    """Make a key pair: private key at ``path``, public key at ``path`` + ``.pub``.

    Raises:
        UsageError: either file exists, the folder cannot be written, or the passphrase is empty.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = path.with_name(path.name + ".pub")
    for file in (path, public):
        if os.path.lexists(file):
            raise UsageError(
                f"{file} exists and is not overwritten",
                why="a lost private key cannot be made again",
                hint="choose another name",
            )
    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _create(path, _private_pem(key, passphrase), 0o600)
    try:
        _create(public, pem, 0o644)
    except UsageError:
        path.unlink()
        raise
    return KeyPair(path, public, public_key_of(key.public_key()).keyid)


def load_private(path: Path, passphrase: str | None = None) -> Ed25519PrivateKey:
    """Load the PKCS#8 PEM private key at ``path``.

    Raises:
        UsageError: it cannot be read, is not such a key, or the passphrase is missing, wrong or not needed.
    """
    return parse_private(_read(path, "private key"), passphrase, where=str(path))


def parse_private(pem: bytes, passphrase: str | None, *, where: str) -> Ed25519PrivateKey:
    """Parse a PKCS#8 PEM private key; ``where`` names its origin in errors, which are :func:`load_private`'s."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    encrypted = b"ENCRYPTED" in pem
    if encrypted and not passphrase:
        raise UsageError("the private key needs its passphrase", where=Location(where))
    if passphrase is not None and not encrypted:
        raise UsageError("a passphrase was given, but the private key is not encrypted", where=Location(where))
    try:
        key = load_pem_private_key(pem, passphrase.encode() if passphrase else None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # the reason could quote the key: it is left out
        raise UsageError(
            "the passphrase is wrong or the key file is damaged" if encrypted else "this is not a private key",
            where=Location(where),
            hint="packhouse keygen makes one (PKCS#8 PEM)",
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError("this is not an Ed25519 key", where=Location(where), hint="packhouse keygen makes one")
    return key


def load_public(path: Path) -> PublicKey:
    """Load the SPKI PEM public key at ``path``.

    Raises:
        UsageError: it cannot be read or is not an Ed25519 public key.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    pem = _read(path, "public key")
    if b"PRIVATE KEY" in pem:
        raise UsageError("this is a private key", where=Location(path), hint="give the file that ends in .pub")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError("this is not a public key", where=Location(path), why="expected SPKI PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError("this is not an Ed25519 public key", where=Location(path))
    return public_key_of(key)


def public_key_of(key: Ed25519PublicKey) -> PublicKey:
    """Return ``key`` with its id."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(sha256_bytes(spki), spki)


def _private_pem(key: Ed25519PrivateKey, passphrase: str | None) -> bytes:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        KeySerializationEncryption,
        NoEncryption,
        PrivateFormat,
    )

    if passphrase == "":
        raise UsageError("the passphrase is empty", hint="give one, or none at all")
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        encryption = BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _create(path: Path, data: bytes, mode: int) -> None:
    """Write a new file whole, or leave none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
    except OSError as error:
        raise UsageError("the key file cannot be written", where=Location(path), why=error.strerror) from error


def _read(path: Path, what: str) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_LARGEST)
    except OSError as error:
        raise UsageError(f"the {what} cannot be read", where=Location(path), why=error.strerror) from error
