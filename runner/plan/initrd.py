# SPDX-License-Identifier: Apache-2.0
"""Plan the initrd: who makes it, and what goes into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.description.model.initrd import Initrd
    from runner.description.model.types import ImageType

_SYSTEMS = {"iso": "dracut", "kis": "dracut", "oem": "dracut", "pxe": "kiwi"}
"""Who makes the initrd when the description does not say; no other type has one."""

_ALWAYS_DRACUT = frozenset({"iso"})
_STANDARD_KERNEL = "std"


class InitrdAction(msgspec.Struct, frozen=True, kw_only=True):
    """``add``, ``omit`` or ``set`` (nothing but these) dracut modules and kernel drivers, or ``setup``.

    ``unified`` with ``setup``: kernel and initrd become one EFI program.
    """

    action: str
    modules: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    unified: bool = False


class InitrdPlan(msgspec.Struct, frozen=True, kw_only=True):
    """An initrd. ``system`` is dracut, kiwi (an image of its own, described in ``description``), or none."""

    system: str
    actions: tuple[InitrdAction, ...] = ()
    description: str = ""
    kernel_profile: str = ""
    profile: str = ""

    @property
    def unified(self) -> bool:
        """Whether kernel and initrd become one EFI program."""
        return any(entry.unified for entry in self.actions)


def plan_initrd(entry: ImageType) -> InitrdPlan | None:
    """Plan the initrd of ``entry``; None for types that do not boot."""
    said = entry.initrd_system
    usual = _SYSTEMS.get(entry.image)
    if usual is None:
        return None
    system = usual if entry.image in _ALWAYS_DRACUT else said.initrd_system or usual
    return InitrdPlan(
        system=system,
        actions=initrd_actions(entry.initrd),
        description=said.boot,
        kernel_profile=(said.bootkernel or _STANDARD_KERNEL) if said.boot else said.bootkernel,
        profile=said.bootprofile,
    )


def initrd_actions(entries: Iterable[Initrd]) -> tuple[InitrdAction, ...]:
    """Plan ``<initrd>`` elements in their order."""
    return tuple(
        InitrdAction(
            action=entry.action,
            modules=tuple(part.module for part in entry.dracut if part.module),
            drivers=tuple(part.driver for part in entry.dracut if part.driver),
            unified=any(part.uefi for part in entry.dracut),
        )
        for entry in entries
    )
