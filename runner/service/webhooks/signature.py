# SPDX-License-Identifier: Apache-2.0
"""HMAC-SHA256 over a body, written as forges write it.

The standard library's hmac does it all; the PyPI package ``standardwebhooks`` reads the clock by itself, takes
bodies as text and fails in untyped ways on hostile headers, so it serves only the tests, as a second opinion.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from runner.service.webhooks.call import WebhookRefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.service.webhooks.call import Call

TOLERANCE = 300.0
"""Seconds that a signed time may be off, either way."""

STANDARD_PREFIX = "whsec_"
_HEX = re.compile(r"[0-9a-f]{64}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_DIGEST_BYTES = 32
_MOST_SIGNATURES = 8


def verify_hex(body: bytes, signature: str, secrets: Sequence[str], *, header: str) -> None:
    """Check a signature of 64 hexadecimal digits.

    Raises:
        WebhookRefusedError: it is missing, is not one, or none of ``secrets`` made it.
    """
    if not signature:
        raise WebhookRefusedError(
            "unsigned", f"the header {header} is missing", hint="give the forge's webhook a secret"
        )
    if not _HEX.fullmatch(signature):
        raise WebhookRefusedError("malformed", f"the header {header} holds no HMAC-SHA256 in hexadecimal digits")
    given = bytes.fromhex(signature)
    if not _any_matches([given], [(secret.encode(), body) for secret in secrets]):
        raise WebhookRefusedError("forged", f"no secret of this repository made the header {header}")


def verify_standard(call: Call, secrets: Sequence[str], now: float) -> str:
    """Check the signature of Standard Webhooks, and return the signed id.

    Raises:
        WebhookRefusedError: a header is missing or malformed, the time is not now, or no secret signed it.
    """
    delivery = call.delivery("webhook-id")
    moment = call.header("webhook-timestamp")
    if not _SECONDS.fullmatch(moment):
        raise WebhookRefusedError("malformed", "the header webhook-timestamp holds no seconds since 1970")
    if abs(now - int(moment)) > TOLERANCE:
        raise WebhookRefusedError(
            "stale", "the call was signed at another time", hint="check the clocks of this machine and the forge"
        )
    signed = _signed_bytes(delivery, moment, call.body)
    keys = [key for key in map(standard_key, secrets) if key]
    if not _any_matches(_standard_signatures(call), [(key, signed) for key in keys]):
        raise WebhookRefusedError("forged", "no secret of this repository made the header webhook-signature")
    return delivery


def sign_standard(body: bytes, *, message_id: str, seconds: int, secret: str) -> dict[str, str]:
    """Return the headers of Standard Webhooks for a call of our own.

    ``secret`` is in the form ``whsec_`` and base64; any other text counts as it is.
    """
    key = standard_key(secret) or secret.encode()
    mac = hmac.digest(key, _signed_bytes(message_id, str(seconds), body), hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


def standard_key(secret: str) -> bytes:
    """Return the key in a secret of the form ``whsec_`` and base64; no bytes where it has another form."""
    if not secret.startswith(STANDARD_PREFIX):
        return b""
    text = secret.removeprefix(STANDARD_PREFIX).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return b""


def _standard_signatures(call: Call) -> list[bytes]:
    """Return the signatures of version 1; a list, because a forge may sign with two keys for a while."""
    found = []
    for entry in call.header("webhook-signature").split(" ")[:_MOST_SIGNATURES]:
        version, _, text = entry.partition(",")
        if version != "v1" or not text.isascii():
            continue
        try:
            mac = base64.b64decode(text, validate=True)
        except binascii.Error:
            continue
        if len(mac) == _DIGEST_BYTES:
            found.append(mac)
    if not found:
        raise WebhookRefusedError("malformed", "the header webhook-signature holds no signature of version 1")
    return found


def _signed_bytes(message_id: str, moment: str, body: bytes) -> bytes:
    return f"{message_id}.{moment}.".encode() + body


def _any_matches(given: Sequence[bytes], signed: Sequence[tuple[bytes, bytes]]) -> bool:
    """Compare all with all, so that the time taken tells nothing; an empty key signs nothing."""
    matches = [
        hmac.compare_digest(mac, hmac.digest(key, text, hashlib.sha256))
        for key, text in signed
        if key
        for mac in given
    ]
    return any(matches)
