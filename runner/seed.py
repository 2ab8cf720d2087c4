# SPDX-License-Identifier: Apache-2.0
"""Identifiers that look random but are derived from what is built.

Every UUID, salt and hash seed in an artifact is ``HMAC(seed, purpose)``, where the seed is an HMAC over image
name, architecture, lock digest and epoch. Two different images never share one, two builds of one image always do.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass

_PROJECT_KEY = b"packhouse image seed v1"


@dataclass(frozen=True, slots=True)
class Seed:
    """The root of all derived identifiers of one image."""

    value: bytes

    @classmethod
    def derive(cls, *, image: str, arch: str, lock_digest: str, epoch: int) -> Seed:
        message = "\0".join((image, arch, lock_digest, str(epoch))).encode()
        return cls(hmac.new(_PROJECT_KEY, message, hashlib.sha256).digest())

    def bytes(self, purpose: str, length: int) -> bytes:
        """Return ``length`` (at most 32) bytes for ``purpose``."""
        if not 0 < length <= hashlib.sha256().digest_size:
            raise ValueError(f"length must be 1..32, not {length}")
        return hmac.new(self.value, purpose.encode(), hashlib.sha256).digest()[:length]

    def uuid(self, purpose: str) -> uuid.UUID:
        """Return a version 4 shaped UUID (RFC 9562) for ``purpose``."""
        return uuid.UUID(bytes=self.bytes(purpose, 16), version=4)
