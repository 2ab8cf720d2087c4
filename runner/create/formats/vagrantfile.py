# SPDX-License-Identifier: Apache-2.0
"""The Vagrantfile in a box: settings that every machine made of it begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.prepare.glob import regular_file
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.create.formats.hardware import Hardware
    from runner.plan.machine import VagrantPlan

EMBEDDED = "image/Vagrantfile"
"""Where prepare puts the description's own, in the tree."""


def embedded(root: Path) -> bytes:
    """Return the description's own file from the tree at ``root``; empty where it has none."""
    path = regular_file(TreePaths(root), EMBEDDED)
    return path.read_bytes() if path is not None else b""


def vagrantfile(plan: VagrantPlan, hardware: Hardware, *, mac: str) -> str:
    """Return the file; ``mac`` is the hardware address of VirtualBox's first card, twelve hexadecimal digits."""
    lines = ['Vagrant.configure("2") do |config|', *(f"  {line}" for line in _settings(plan, mac))]
    provider = [f"    {line}" for line in _provider(plan, hardware)]
    if provider:
        lines += [f"  config.vm.provider :{plan.provider} do |machine|", *provider, "  end"]
    return "\n".join((*lines, "end", ""))


def _settings(plan: VagrantPlan, mac: str) -> Iterator[str]:
    if plan.provider == "virtualbox":
        yield f'config.vm.base_mac = "{mac}"'
        if plan.guest_additions:  # they share folders, which is what Vagrant does unless told otherwise
            return
    yield 'config.vm.synced_folder ".", "/vagrant", type: "rsync"'


def _provider(plan: VagrantPlan, hardware: Hardware) -> Iterator[str]:
    if hardware.plan.memory_mib is not None:
        yield f"machine.memory = {hardware.memory_mib}"
    if hardware.plan.cpus is not None:
        yield f"machine.cpus = {hardware.cpus}"
    if hardware.efi and plan.provider == "virtualbox":
        yield 'machine.customize ["modifyvm", :id, "--firmware", "efi"]'
