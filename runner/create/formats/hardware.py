# SPDX-License-Identifier: Apache-2.0
"""The virtual machine around a disk, with what its plan leaves open filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.plan.boot import EFI
from runner.plan.machine import MachinePlan

if TYPE_CHECKING:
    from runner.create.inputs import CreateInputs
    from runner.plan.machine import NetworkCardPlan

_MEMORY_MIB, _CPUS = 1024, 1
_SCSI = {"legacyESX": "buslogic", "scsi": "lsilogic"}
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Hardware:
    """A machine: its plan, and beside it what counts when the plan is silent. Memory is in MiB."""

    plan: MachinePlan
    memory_mib: int
    cpus: int
    efi: bool

    @classmethod
    def of(cls, inputs: CreateInputs) -> Hardware:
        """Return the machine of the plan, or the usual one."""
        plan, boot = inputs.type.machine or MachinePlan(), inputs.type.boot
        return cls(
            plan=plan,
            memory_mib=plan.memory_mib or _MEMORY_MIB,
            cpus=plan.cpus or _CPUS,
            efi=boot is not None and boot.firmware in EFI,
        )

    @property
    def cards(self) -> tuple[tuple[int, NetworkCardPlan], ...]:
        """The network cards with their numbers: a name such as ``eth1`` has one, otherwise they are counted."""
        return tuple((_number(card.interface, place), card) for place, card in enumerate(self.plan.network))


def is_ide(controller: str) -> bool:
    """Tell whether a drive hangs on the IDE bus: the usual one."""
    return controller in {"", "ide"}


def scsi_device(controller: str) -> str:
    """Return VMware's name of a SCSI controller."""
    return _SCSI.get(controller, controller)


def _number(interface: str, usual: int) -> int:
    found = _NUMBER.search(interface)
    return int(found.group()) if found else usual
