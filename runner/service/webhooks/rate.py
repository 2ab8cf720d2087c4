# SPDX-License-Identifier: Apache-2.0
"""How often one source may call: a token bucket for each, and only so many buckets."""

from __future__ import annotations

import ipaddress
import threading
from collections import OrderedDict


class RateLimiter:
    """A bucket of ``burst`` calls a source, refilled by ``rate`` a second; the last ``sources`` are remembered.

    A source that was forgotten starts anew with a full bucket, as one never seen does.
    """

    def __init__(self, *, rate: float = 1.0, burst: int = 30, sources: int = 10_000) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._sources = sources
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, source: str, now: float) -> float:
        """Take one call of ``source`` out of its bucket; return 0, or the seconds until it may come again."""
        key = network_of(source)
        with self._lock:
            left, since = self._buckets.pop(key, (self._burst, now))
            left = min(self._burst, left + max(0.0, now - since) * self._rate)
            allowed = left >= 1.0
            self._buckets[key] = (left - 1.0 if allowed else left, now)
            while len(self._buckets) > self._sources:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / self._rate

    def __len__(self) -> int:
        return len(self._buckets)


def network_of(source: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 one IPv6 customer has for himself."""
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return source[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, 64), strict=False))
