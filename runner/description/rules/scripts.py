# SPDX-License-Identifier: Apache-2.0
"""Rules about the scripts beside a description."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule
from runner.errors import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.description.model.description import Description
    from runner.description.rules.rule import Found, Subject

SCRIPTS = (
    "post_bootstrap.sh",
    "config.sh",
    "config-overlay.sh",
    "config-host-overlay.sh",
    "images.sh",
    "pre_disk_sync.sh",
    "disk.sh",
)
DEPRECATED = (
    "baseCleanMount",
    "baseCleanup",
    "baseGetPackagesForDeletion",
    "baseGetProfilesUsed",
    "baseMount",
    "baseSetupUserPermissions",
    "baseStripDocs",
    "baseStripInfos",
    "baseStripMans",
    "debianStripInitrd",
    "debianStripKernel",
    "rhelSplashToGrub",
    "rhelStripInitrd",
    "rhelStripKernel",
    "Rpm",
    "suseActivateDefaultServices",
    "suseCleanup",
    "suseConfig",
    "suseRemoveYaST",
    "suseSetupProductInformation",
)
"""Functions of KIWI's helper library that end the script there; here they warn."""

_CALL = re.compile(rf"^\s*(?P<name>{'|'.join(DEPRECATED)})\b", re.MULTILINE)
_NETWORK = re.compile(
    r"^\s*(sudo\s+)?(?P<tool>curl|wget|git\s+clone|pip3?\s+install|npm\s+install|apt(-get)?\s+(update|install)|"
    r"dnf\s+install|yum\s+install|zypper\s+(in|install|ref)\b)",
    re.MULTILINE,
)
_AROUND_DISKS = ("pre_disk_sync.sh", "disk.sh")
_DEVICE = re.compile(
    r"^\s*(sudo\s+)?(?P<tool>mount|umount|losetup|kpartx|partx|partprobe|dmsetup|btrfs|snapper|grub2?-install|"
    r"extlinux\s+(--install|-i))\b",
    re.MULTILINE,
)
_LARGEST = 1 << 20


def _deprecated(subject: Subject) -> Found:
    """KIWI ends a script that calls one of these; here they do nothing, with a warning."""
    for name, text in _texts(subject.description):
        for match in _CALL.finditer(text):
            yield f"{match['name']} is deprecated", Location(name, text.count("\n", 0, match.start("name")) + 1)


def _network(subject: Subject) -> Found:
    """Scripts run without a network, so that a build gives the same tomorrow."""
    for name, text in _texts(subject.description):
        for match in _NETWORK.finditer(text):
            line = text.count("\n", 0, match.start("tool")) + 1
            yield f"{match['tool']} will find no network", Location(name, line)


def _devices(subject: Subject) -> Found:
    """A disk is written as a file: no script finds it mounted, or a device of it."""
    said = {name for entry in subject.types for name in (entry.boot.editbootconfig, entry.boot.editbootinstall)}
    for name, text in _texts(subject.description, (*_AROUND_DISKS, *sorted(said - {""}))):
        for match in _DEVICE.finditer(text):
            line = text.count("\n", 0, match.start("tool")) + 1
            yield f"{match['tool']} will find no device", Location(name, line)


def _interpreter(subject: Subject) -> Found:
    """A script that is not executable is run by bash, whatever it is written in."""
    for name, text in _texts(subject.description):
        first = text.partition("\n")[0]
        executable = (subject.description.directory / name).stat().st_mode & 0o111
        if not executable and first.startswith("#!") and not re.search(r"\b(ba)?sh\b", first):
            yield f"{name} is not executable and would be run by bash", Location(name, 1)


def _line_ends(subject: Subject) -> Found:
    """A carriage return becomes part of the last word of every line."""
    for name, text in _texts(subject.description):
        if "\r\n" in text:
            yield f"{name} has line ends of Windows", Location(name, 1)


def _edit_scripts(subject: Subject) -> Found:
    """What is to change boot code must be there."""
    for entry in subject.types:
        for name in (entry.boot.editbootconfig, entry.boot.editbootinstall):
            if name and not (subject.description.directory / name).is_file():
                yield f"there is no script {name} beside the description", entry.at


def _texts(description: Description, names: Iterable[str] = SCRIPTS) -> Iterator[tuple[str, str]]:
    for name in names:
        path = description.directory / name
        if path.is_file() and path.stat().st_size <= _LARGEST:
            with path.open(encoding="utf-8", errors="replace", newline="") as stream:
                yield name, stream.read()


RULES = (
    Rule("script_functions_current", "note", "remove the call", _deprecated),
    Rule("script_without_network", "warning", "name a package, or put the file beside the description", _network),
    Rule(
        "script_without_devices",
        "warning",
        "change files of the tree, or, in the script that editbootinstall names, bytes of the file",
        _devices,
    ),
    Rule("script_executable", "warning", "chmod +x it", _interpreter),
    Rule("script_line_ends", "error", "convert it: sed -i 's/\\r$//'", _line_ends),
    Rule("edit_script_present", "error", "add the file, or correct the name", _edit_scripts),
)
