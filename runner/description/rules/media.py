# SPDX-License-Identifier: Apache-2.0
"""Rules about ISO files, and virtual machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule

if TYPE_CHECKING:
    from runner.description.rules.rule import Found, Subject


def _media_check(subject: Subject) -> Found:
    """The checksum of a medium is written into its GPT."""
    for entry in subject.types:
        if entry.media.mediacheck and entry.disk.efiparttable == "msdos":
            yield "mediacheck does not go with an MBR", entry.at


def _xen_role(subject: Subject) -> Found:
    """A system is Xen's first domain, or a guest."""
    for entry in subject.types:
        if entry.boot.xen_server and entry.machine and entry.machine.xen_loader:
            yield "the image is both a Xen server and a Xen guest", entry.at


def _vagrant_box(subject: Subject) -> Found:
    """A box is made for a provider."""
    for entry in subject.types:
        if entry.formats.format == "vagrant" and not entry.vagrant:
            yield "a Vagrant box needs a <vagrantconfig>", entry.at


RULES = (
    Rule(
        "checkmedia_used_with_msdos_table", "error", 'set efiparttable="gpt", or mediacheck="false"', _media_check
    ),
    Rule("xen_uniquely_setup_as_server_or_guest", "error", "remove one of them", _xen_role),
    Rule(
        "vagrant_box_configured", "error", 'add <vagrantconfig provider="libvirt" virtualsize="40"/>', _vagrant_box
    ),
)
