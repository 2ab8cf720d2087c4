# SPDX-License-Identifier: Apache-2.0
"""Signing, behind one small protocol: another way to sign (a KMS, sigstore) is one more class that fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from runner.digest import canonical_json
from runner.release.dsse import PAYLOAD_TYPE
from runner.release.keys import load_private, public_key_of

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import Signer


class StatementSigner(Protocol):
    """Whoever can vouch for a statement."""

    def attest(self, statement: bytes) -> bytes:
        """Return ``statement`` (an in-toto statement as JSON) signed, as one line without its line feed."""
        ...


class EnvelopeSigner:
    """Signs DSSE envelopes with any signer of securesystemslib: key files here, PKCS#11 and cloud KMS alike.

    The signer's key id is written into the envelope: verifiers of that library require it.
    """

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def attest(self, statement: bytes) -> bytes:
        from securesystemslib.dsse import Envelope

        envelope = Envelope(statement, PAYLOAD_TYPE, {})
        envelope.sign(self._signer)
        return canonical_json(envelope.to_dict())


def key_signer(private: Ed25519PrivateKey) -> EnvelopeSigner:
    """Return a signer for a key at hand, under the key id of :mod:`runner.release.keys`."""
    from securesystemslib.signer import CryptoSigner, SSlibKey

    public = private.public_key()
    return EnvelopeSigner(CryptoSigner(private, SSlibKey.from_crypto(public, public_key_of(public).keyid)))


def load_signer(path: Path, passphrase: str | None = None) -> EnvelopeSigner:
    """Return a signer for the private key file at ``path``.

    Raises:
        UsageError: as :func:`runner.release.keys.load_private`.
    """
    return key_signer(load_private(path, passphrase))
