# SPDX-License-Identifier: Apache-2.0
"""Machine names (``uname -m``, as KIWI uses them) and Debian's architecture names."""

from __future__ import annotations

from runner.errors import ResolveError

_DEBIAN = {
    "x86_64": "amd64",
    "ix86": "i386",
    "aarch64": "arm64",
    "armv7l": "armhf",
    "armv6l": "armel",
    "ppc64le": "ppc64el",
    "riscv64": "riscv64",
    "s390x": "s390x",
}


def debian_architecture(machine: str) -> str:
    """Return Debian's name for ``machine``.

    Raises:
        ResolveError: Debian has no port under that machine name.
    """
    try:
        return _DEBIAN[machine]
    except KeyError:
        raise ResolveError(
            f"Debian has no architecture for machine {machine!r}", hint=f"use one of: {', '.join(sorted(_DEBIAN))}"
        ) from None
