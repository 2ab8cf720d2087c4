# SPDX-License-Identifier: Apache-2.0
"""Plan the initrd: who makes it, and what goes into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.plan.protection import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.description.model.initrd import Initrd
    from runner.description.model.types import ImageType

_SYSTEMS = {"iso": "dracut", "kis": "dracut", "oem": "dracut", "pxe": "kiwi"}
"""Who makes the initrd when the description does not say; no other type has one."""

_VERITY = ("systemd-veritysetup",), ("dm-verity",)
"""dracut's modules and the kernel's drivers that open a root under dm-verity."""

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

    @property
    def for_dracut(self) -> bool:
        """Whether no other generator than dracut knows how to do it."""
        return bool(self.modules or (self.action in {"omit", "set"} and self.drivers))


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
        actions=(*_for_root(entry), *initrd_actions(entry.initrd)),
        description=said.boot,
        kernel_profile=(said.bootkernel or _STANDARD_KERNEL) if said.boot else said.bootkernel,
        profile=said.bootprofile,
    )


def _for_root(entry: ImageType) -> Iterator[InitrdAction]:
    """Yield what a disk's root needs and no generator brings by itself."""
    if entry.image != "oem":
        return
    filesystem = entry.filesystem.filesystem
    modules, drivers = _VERITY if entry.verity.verity_blocks else ((), ())
    drivers = (*drivers, *({filesystem} & READ_ONLY))
    if drivers:
        yield InitrdAction(action="add", modules=modules, drivers=drivers)


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
