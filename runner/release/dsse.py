# SPDX-License-Identifier: Apache-2.0
"""DSSE envelopes: read one, and hand out its payload only after a signature over exactly those bytes held.

Source: the DSSE v1 protocol and envelope documents of the secure-systems-lab. Fields it does not know are
ignored, as the envelope document asks; both base64 alphabets are read; the key id only selects which signatures
to try. Reading needs nothing but an Ed25519 verifier, so a fetch does not load the signing library.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import msgspec

from runner.errors import VerificationError

if TYPE_CHECKING:
    from runner.release.keys import PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    keyid: str
    sig: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An envelope as it stands in a file; nothing in it may be believed yet."""

    payload: str
    payload_type: str
    signatures: tuple[Signature, ...]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding: the bytes that are signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def parse_envelope(line: bytes) -> Envelope:
    """Parse one envelope.

    Raises:
        VerificationError: not an envelope.
    """
    try:
        return msgspec.json.decode(line, type=Envelope)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise VerificationError("this is not a DSSE envelope", why=str(error)) from error


def verified_payload(envelope: Envelope, key: PublicKey) -> bytes:
    """Return the payload that ``key`` signed.

    Signatures of other keys are passed over; more than one that claims to be of ``key`` is refused, because
    signatures are counted by key.

    Raises:
        VerificationError: not an in-toto payload, no signature by ``key``, several, or one that does not hold.
    """
    if envelope.payload_type != PAYLOAD_TYPE:
        raise VerificationError(f"unknown payload type {envelope.payload_type!r}", why=f"expected {PAYLOAD_TYPE}")
    ours = [signature for signature in envelope.signatures if signature.keyid == key.keyid]
    if not ours:
        others = ", ".join(signature.keyid[:16] for signature in envelope.signatures) or "nobody"
        raise VerificationError(
            "the release is not signed by this key",
            why=f"wanted key {key.keyid[:16]}…, signed by {others}",
            hint="check that the public key is the publisher's",
        )
    if len(ours) > 1:
        raise VerificationError(f"{len(ours)} signatures claim to be of key {key.keyid[:16]}…")
    payload = _decode_base64(envelope.payload, "payload")
    if not key.verify(_decode_base64(ours[0].sig, "signature"), pae(PAYLOAD_TYPE, payload)):
        raise VerificationError(
            "the signature does not match", why="the signed statement or the signature was changed"
        )
    return payload


def _decode_base64(text: str, what: str) -> bytes:
    """Decode either base64 alphabet; bytes have one encoding only: no stray bits, no garbage."""
    plain = text.replace("-", "+").replace("_", "/")
    try:
        data = base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError) as error:
        raise VerificationError(f"the {what} is not base64", why=str(error)) from error
    if base64.b64encode(data).decode() != plain:
        raise VerificationError(f"the {what} is not canonical base64")
    return data
