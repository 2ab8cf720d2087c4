# SPDX-License-Identifier: Apache-2.0
"""Rules about packages and what a package manager can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.description.rules.rule import Found, Subject
    from runner.errors import Location
    from runner.plan.select import Selection

_KINDS = {"apt": {"apt-deb", "deb-dir"}, "apk": {"apk"}, "pacman": set[str]()}
_RPM_KINDS = {"rpm-md", "apt-rpm", "mirrors"}
"""What kinds of repositories each manager reads; those of rpm have one answer, and pacman knows no other kind."""

_NOT_FOR_APT = frozenset({"collectionModule", "product"})
_MODULES = "collectionModule"
_INITRD_MODULES = {
    "dracut_module_for_live_iso_in_package_list": ("live", "dracut-kiwi-live", "kiwi-dracut-live"),
    "dracut_module_for_disk_overlay_in_package_list": ("overlay", "dracut-kiwi-overlay", "kiwi-dracut-overlay"),
    "dracut_module_for_oem_install_in_package_list": ("dump", "dracut-kiwi-oem-dump", "kiwi-dracut-oem-dump"),
}


def _manager_named(subject: Subject) -> Found:
    """Descriptions for another distribution would be read with the wrong tool."""
    for chosen in subject.selections:
        if not any(block.packagemanager for block in chosen.preferences):
            yield f"no package manager is named: {chosen.merged.packagemanager} is assumed", subject.description.at


def _kind_of_manager(subject: Subject) -> Found:
    """A package manager reads repositories of its own kind only."""
    for chosen in subject.selections:
        manager = chosen.merged.packagemanager
        kinds = _KINDS.get(manager, _RPM_KINDS)
        for entry in chosen.repositories:
            if entry.kind and entry.kind not in kinds:
                yield f"{manager} does not read repositories of type {entry.kind}", entry.at


def _distribution_for_apt(subject: Subject) -> Found:
    """Without a suite a Debian repository is taken for a flat one, with its index beside the packages."""
    for chosen in subject.selections:
        for entry in chosen.repositories:
            if (
                chosen.merged.packagemanager == "apt"
                and entry.path.startswith("mirror:")
                and not entry.distribution
            ):
                yield "a mirror of a distribution has suites, and none is named", entry.at


def _apt_has_no_collections(subject: Subject) -> Found:
    """Only packages can be installed with apt."""
    for chosen in subject.selections:
        if chosen.merged.packagemanager != "apt":
            continue
        for section in chosen.packages:
            names = [entry.at for entry in section.collections]
            names += [node.at for node in section.others if node.name in _NOT_FOR_APT]
            for where in names:
                yield "apt knows no such thing: it is left out", where


def _modules_in_bootstrap(subject: Subject) -> Found:
    """Modules decide which versions there are, so they are switched before anything is installed."""
    for section in subject.description.packages:
        for node in section.others:
            if node.name == _MODULES and section.kind != "bootstrap":
                yield f'modules are switched in <packages type="bootstrap">, not in "{section.kind}"', node.at


def _stream_of_enabled(subject: Subject) -> Found:
    """A module that is switched off has no stream."""
    for section in subject.description.packages:
        for node in section.others:
            off = node.attributes.get("enable", "").strip() in {"false", "0"}
            if node.name == _MODULES and off and node.attributes.get("stream"):
                yield "the module is switched off and has a stream", node.at


def _bootstrap_named(subject: Subject) -> Found:
    """An rpm distribution has no mark that tells which packages the first step needs."""
    for chosen in subject.selections:
        manager = chosen.merged.packagemanager
        kinds = {section.kind for section in chosen.packages if section.packages or section.collections}
        derived = bool(chosen.image_type.containers.derived_from)
        if manager not in {"apt", "apk"} and "bootstrap" not in kinds and not derived:
            yield "no package is named for the first step", subject.description.at


def _named_and_ignored(subject: Subject) -> Found:
    """A package cannot be both wanted and unwanted."""
    for chosen in subject.selections:
        ignored = {entry.name for section in chosen.packages for entry in section.ignored}
        for section in chosen.packages:
            if section.kind in {"bootstrap", "image"}:
                for entry in section.packages:
                    if entry.name in ignored:
                        yield f"{entry.name} is both installed and ignored", entry.at


def _live_module(subject: Subject) -> Found:
    """A live system of KIWI's own kind is mounted by a dracut module that comes in a package."""
    for chosen in subject.selections:
        entry = chosen.image_type
        if entry.image == "iso" and (entry.live.flags or "overlay") == "overlay":
            yield from _missing(chosen, "dracut_module_for_live_iso_in_package_list")


def _overlay_module(subject: Subject) -> Found:
    """A read-only root under a writable one is put together by a dracut module that comes in a package."""
    for chosen in subject.selections:
        if chosen.image_type.overlay.overlayroot:
            yield from _missing(chosen, "dracut_module_for_disk_overlay_in_package_list")


def _dump_module(subject: Subject) -> Found:
    """An installer is a dracut module that comes in a package."""
    for chosen in subject.selections:
        install = chosen.image_type.install
        asked = install.installiso or install.installstick or install.installpxe
        if chosen.image_type.image == "oem" and asked:
            yield from _missing(chosen, "dracut_module_for_oem_install_in_package_list")


def _missing(chosen: Selection, rule: str) -> Iterator[tuple[str, Location]]:
    what, *names = _INITRD_MODULES[rule]
    installed = {
        entry.name for section in chosen.packages for entry in section.packages if section.kind != "delete"
    }
    collected = any(section.collections for section in chosen.packages)
    made_by = chosen.image_type.initrd_system.initrd_system
    if made_by in {"", "dracut"} and not collected and not installed.intersection(names):
        yield f"no package brings the initrd's {what} module: {' or '.join(names)}", chosen.image_type.at


RULES = (
    Rule("packagemanager_named", "warning", "add <packagemanager> to <preferences>", _manager_named),
    Rule("repository_of_manager", "warning", "correct the type, or the package manager", _kind_of_manager),
    Rule("repository_distribution_named", "warning", 'add distribution="bookworm"', _distribution_for_apt),
    Rule("apt_collections", "warning", "name the packages instead", _apt_has_no_collections),
    Rule("modules_in_bootstrap", "error", 'move it to <packages type="bootstrap">', _modules_in_bootstrap),
    Rule("module_stream_enabled", "error", "remove the stream, or switch it on", _stream_of_enabled),
    Rule("bootstrap_packages_named", "warning", 'add <packages type="bootstrap">', _bootstrap_named),
    Rule("package_not_ignored", "warning", "keep one of them", _named_and_ignored),
    Rule("dracut_module_for_live_iso_in_package_list", "warning", 'add it, or use flags="dmsquash"', _live_module),
    Rule("dracut_module_for_disk_overlay_in_package_list", "warning", "add it to the packages", _overlay_module),
    Rule("dracut_module_for_oem_install_in_package_list", "warning", "add it to the packages", _dump_module),
)
