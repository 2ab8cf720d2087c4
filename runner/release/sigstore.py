# SPDX-License-Identifier: Apache-2.0
"""A signed envelope in the wrapping that Sigstore's verifiers read.

It says nothing new: the signature is that of the envelope, made with a plain key, without certificate and
transparency log. Source: Sigstore's protobuf specifications, bundle format 0.3, in protobuf's JSON form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.digest import canonical_json
from runner.release.dsse import Envelope

if TYPE_CHECKING:
    from runner.release.dsse import Signature

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"


class _PublicKey(msgspec.Struct, frozen=True):
    hint: str
    """Which key to verify with; a verifier has that from elsewhere."""


class _Material(msgspec.Struct, frozen=True, rename="camel"):
    public_key: _PublicKey
    tlog_entries: tuple[()] = ()


class _Bundle(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str
    verification_material: _Material
    dsse_envelope: Envelope


def sigstore_bundles(envelope: Envelope) -> tuple[bytes, ...]:
    """Return ``envelope`` as bundles, one for each of its signatures: the format allows exactly one in each."""
    return tuple(canonical_json(_bundle(envelope, signature)) for signature in envelope.signatures)


def _bundle(envelope: Envelope, signature: Signature) -> _Bundle:
    return _Bundle(
        media_type=MEDIA_TYPE,
        verification_material=_Material(_PublicKey(signature.keyid)),
        dsse_envelope=msgspec.structs.replace(envelope, signatures=(signature,)),
    )
