# SPDX-License-Identifier: Apache-2.0
"""Gather package names, archives and files from all sections that count."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from runner.description.model.element import flag
from runner.plan.model import ArchivePlan, FilePlan, ModulePlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.description.model.element import Node
    from runner.description.model.packages import NamedEntry, PackageSection
    from runner.plan.select import Selection

OWN_PACKAGE = {"apt": "apt", "dnf4": "dnf", "dnf5": "dnf5", "apk": "apk-tools"}
"""The package that brings a manager into the tree, where it is not called like the manager."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the package sections ask for, each list without doubles and sorted."""

    bootstrap: tuple[str, ...]
    image: tuple[str, ...]
    delete: tuple[str, ...]
    uninstall: tuple[str, ...]
    ignore: tuple[str, ...]
    collections: tuple[str, ...]
    products: tuple[str, ...]
    modules: tuple[ModulePlan, ...]
    system_files: tuple[str, ...]
    recommends: bool
    archives: tuple[ArchivePlan, ...]
    files: tuple[FilePlan, ...]


def gather(chosen: Selection) -> Wanted:
    """Merge the selected sections.

    ``image`` takes the sections ``image`` and that of the built type. A manager's own package belongs to the
    bootstrap list, unless the image is derived from another that has it and the description bootstraps nothing.
    """
    sections, arch, manager = chosen.packages, chosen.machine, chosen.merged.packagemanager
    image_type, derived = chosen.image_type.image, bool(chosen.image_type.get("derived_from"))
    boot = [section for section in sections if section.kind == "bootstrap"]
    main = [section for section in sections if section.kind in {"image", image_type}]
    own = (OWN_PACKAGE.get(manager, manager),) if boot or not derived else ()
    both = [*boot, *main]
    return Wanted(
        bootstrap=_names((entry for section in boot for entry in section.packages), arch, own),
        image=_names((entry for section in main for entry in section.packages), arch),
        delete=_names(_of_kind(sections, "delete"), arch),
        uninstall=_names(_of_kind(sections, "uninstall"), arch),
        system_files=_names(_of_kind(sections, "systemfiles"), arch),
        ignore=_names((entry for section in both for entry in section.ignored), arch),
        collections=_names((entry for section in both for entry in section.collections), arch),
        products=tuple(sorted({name for name, _ in _others(both, "product")})),
        modules=_modules(boot),
        recommends=_pattern(main or boot) == "plusRecommended",
        archives=(*_archives(boot, "bootstrap"), *_archives(main, "image")),
        files=tuple(_files(both)),
    )


def _names(entries: Iterable[NamedEntry], arch: str, more: Sequence[str] = ()) -> tuple[str, ...]:
    own = (entry.name for entry in entries if not entry.arch or arch in entry.arch)
    return tuple(sorted({name.strip() for name in (*own, *more)} - {""}))


def _of_kind(sections: Sequence[PackageSection], kind: str) -> Iterable[NamedEntry]:
    return (entry for section in sections if section.kind == kind for entry in section.packages)


def _others(sections: Sequence[PackageSection], name: str) -> Iterable[tuple[str, Node]]:
    """Their ``arch`` is allowed by the schema, and KIWI does not look at it."""
    nodes = (node for section in sections for node in section.others if node.name == name)
    return ((node.attributes.get("name", "").strip(), node) for node in nodes)


def _modules(sections: Sequence[PackageSection]) -> tuple[ModulePlan, ...]:
    """Modules in the order written, each once: switching one on or off may depend on those before."""
    found = (
        ModulePlan(
            name=name,
            stream=node.attributes.get("stream", "").strip(),
            enable=flag(node.attributes.get("enable")) is not False,
        )
        for name, node in _others(sections, "collectionModule")
    )
    return tuple(dict.fromkeys(found))


def _pattern(sections: Sequence[PackageSection]) -> str:
    """The first section that says it decides for all."""
    return next((section.pattern_type for section in sections if section.pattern_type), "onlyRequired")


def _archives(sections: Sequence[PackageSection], phase: str) -> list[ArchivePlan]:
    found = {
        (entry.name, entry.target_dir or "/"): ArchivePlan(
            name=entry.name, target_dir=entry.target_dir or "/", phase=phase
        )
        for section in sections
        for entry in section.archives
    }
    return [found[key] for key in sorted(found)]


def _files(sections: Sequence[PackageSection]) -> Iterable[FilePlan]:
    for section in sections:
        for entry in section.files:
            yield FilePlan(
                name=entry.name,
                target=entry.target or "/" + PurePosixPath(entry.name).name,
                owner=entry.owner,
                permissions=entry.permissions,
            )
