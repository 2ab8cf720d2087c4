# SPDX-License-Identifier: Apache-2.0
"""Plan the certificates of authorities that the image trusts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.description.model.certificates import Certificates


class CertificatesPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Files beside the description, and the distribution family that says where they go: as KIWI names it."""

    target_distribution: str
    names: tuple[str, ...]


def plan_certificates(
    groups: Iterable[Certificates], profiles: Sequence[str], machine: str
) -> tuple[CertificatesPlan, ...]:
    """Plan those ``groups`` that count; a name that is written twice counts once."""
    return tuple(
        CertificatesPlan(
            target_distribution=group.target_distribution,
            names=tuple(dict.fromkeys(entry.name for entry in group.certificates)),
        )
        for group in groups
        if group.applies(profiles, machine)
    )
