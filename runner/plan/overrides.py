# SPDX-License-Identifier: Apache-2.0
"""What the caller wants otherwise than the description says: one frozen value, applied before anything is planned.

Overrides change the plan, and with it its digest and the lock it asks for, exactly as if the description said so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.description.model.containers import ContainerConfig
from runner.description.model.packages import NamedEntry, PackageSection
from runner.errors import UsageError
from runner.plan import override_text as read
from runner.plan.containers import CONTAINER_TYPES
from runner.plan.repository_map import mapped
from runner.plan.repository_option import RepositoryOption, read_repository_option, signings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.description.model.repositories import Repository
    from runner.description.model.types import ImageType
    from runner.plan.select import Selection

Pairs = tuple[tuple[str, str], ...]


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be said beside a description; the defaults change nothing.

    Attributes:
        type_attributes: attributes of the chosen type.
        version: instead of ``<version>``; ``release_version`` instead of ``<release-version>``.
        add_packages: more image packages; ``add_bootstrap_packages``: more for the empty tree.
        delete_packages: uninstalled at the end of prepare, with what only they needed.
        ignore_repositories: forget the description's repositories.
        ignore_repositories_used_for_build: forget them but for those that are ``imageonly``.
        set_repositories: what is other with the first repository.
        add_repositories: further repositories, after the description's.
        signing_keys: URIs of keys that may sign any of the repositories.
        repository_map: ``(FROM, TO)`` prefixes of addresses, see :func:`runner.plan.repository_map.mapped`.
        container_tag: of the container image; ``container_labels`` are added to its labels, and
            ``container_derived_from`` is the URI of the image it is built on.
    """

    type_attributes: Pairs = ()
    version: str = ""
    release_version: str = ""
    add_packages: tuple[str, ...] = ()
    delete_packages: tuple[str, ...] = ()
    add_bootstrap_packages: tuple[str, ...] = ()
    ignore_repositories: bool = False
    ignore_repositories_used_for_build: bool = False
    set_repositories: tuple[RepositoryOption, ...] = ()
    add_repositories: tuple[RepositoryOption, ...] = ()
    signing_keys: tuple[str, ...] = ()
    repository_map: Pairs = ()
    container_tag: str = ""
    container_labels: Pairs = ()
    container_derived_from: str = ""

    def __bool__(self) -> bool:
        """Tell whether anything is changed."""
        return self != NOTHING

    def with_map(self, table: Sequence[tuple[str, str]]) -> Overrides:
        """Add prefixes to the map; those that are in it already count before them."""
        if not table:
            return self
        return msgspec.structs.replace(self, repository_map=(*self.repository_map, *table))


NOTHING = Overrides()


def read_overrides(
    *,
    type_attributes: Sequence[str] = (),
    version: str | None = None,
    release_version: str | None = None,
    add_packages: Sequence[str] = (),
    delete_packages: Sequence[str] = (),
    add_bootstrap_packages: Sequence[str] = (),
    ignore_repositories: bool = False,
    ignore_repositories_used_for_build: bool = False,
    set_repositories: Sequence[str] = (),
    add_repositories: Sequence[str] = (),
    signing_keys: Sequence[str] = (),
    repository_map: Sequence[str] = (),
    container_tag: str | None = None,
    container_labels: Sequence[str] = (),
    container_derived_from: str | None = None,
) -> Overrides:
    """Make overrides of the texts given to options.

    Raises:
        UsageError: one of them cannot be; names the option.
    """

    def packages(option: str, names: Sequence[str]) -> tuple[str, ...]:
        return tuple(read.package_name(option, name) for name in names)

    def repositories(option: str, texts: Sequence[str]) -> tuple[RepositoryOption, ...]:
        return tuple(read_repository_option(option, text) for text in texts)

    derived = container_derived_from
    return Overrides(
        type_attributes=tuple(read.type_attribute("--set-type-attr", text) for text in type_attributes),
        version=read.version("--set-version", version) if version is not None else "",
        release_version=release_version or "",
        add_packages=packages("--add-package", add_packages),
        delete_packages=packages("--delete-package", delete_packages),
        add_bootstrap_packages=packages("--add-bootstrap-package", add_bootstrap_packages),
        ignore_repositories=ignore_repositories,
        ignore_repositories_used_for_build=ignore_repositories_used_for_build,
        set_repositories=repositories("--set-repo", set_repositories),
        add_repositories=repositories("--add-repo", add_repositories),
        signing_keys=tuple(read.key_uri("--signing-key", text) for text in signing_keys),
        repository_map=tuple(read.pair("--repo-map", text) for text in repository_map),
        container_tag=container_tag or "",
        container_labels=tuple(read.pair("--add-container-label", text) for text in container_labels),
        container_derived_from=read.checked("--set-container-derived-from", "type", "derived_from", derived)
        if derived
        else "",
    )


def overridden(chosen: Selection, overrides: Overrides) -> Selection:
    """Return the selection as the overrides want it.

    Raises:
        UsageError: an override has nothing it could change: no repository, or no container.
    """
    if not overrides:
        return chosen
    merged = msgspec.structs.replace(
        chosen.merged,
        version=overrides.version or chosen.merged.version,
        release_version=overrides.release_version or chosen.merged.release_version,
    )
    return msgspec.structs.replace(
        chosen,
        merged=merged,
        image_type=_container(_type(chosen.image_type, overrides), overrides),
        packages=(*chosen.packages, *_packages(overrides)),
        repositories=repositories_as_wanted(chosen.repositories, overrides),
    )


def _type(entry: ImageType, overrides: Overrides) -> ImageType:
    if not overrides.type_attributes:
        return entry
    return msgspec.structs.replace(entry, attributes={**entry.attributes, **dict(overrides.type_attributes)})


def _container(entry: ImageType, overrides: Overrides) -> ImageType:
    said = {
        "--set-container-tag": overrides.container_tag,
        "--add-container-label": overrides.container_labels,
        "--set-container-derived-from": overrides.container_derived_from,
    }
    options = [option for option, value in said.items() if value]
    if not options:
        return entry
    if entry.image not in CONTAINER_TYPES:
        raise UsageError(
            f"{options[0]} needs a container, and the type to build is {entry.image}",
            where=entry.at,
            hint=f"choose one of {', '.join(sorted(CONTAINER_TYPES))} with --type",
        )
    attributes = entry.attributes
    if overrides.container_derived_from:
        attributes = {**attributes, "derived_from": overrides.container_derived_from}
    config = entry.container
    if overrides.container_tag or overrides.container_labels:
        config = config or ContainerConfig(at=read.said_by(options[0]), name="")
        labels = {**dict(config.labels), **dict(overrides.container_labels)}
        config = msgspec.structs.replace(
            config, tag=overrides.container_tag or config.tag, labels=tuple(labels.items())
        )
    return msgspec.structs.replace(entry, attributes=attributes, container=config)


def _packages(overrides: Overrides) -> Iterator[PackageSection]:
    for option, kind, names in (
        ("--add-package", "image", overrides.add_packages),
        ("--add-bootstrap-package", "bootstrap", overrides.add_bootstrap_packages),
        ("--delete-package", "uninstall", overrides.delete_packages),
    ):
        if names:
            at = read.said_by(option)
            yield PackageSection(at=at, kind=kind, packages=tuple(NamedEntry(at=at, name=name) for name in names))


def repositories_as_wanted(entries: tuple[Repository, ...], overrides: Overrides) -> tuple[Repository, ...]:
    """Forget, change, add, trust and map, in this order: KIWI's, with the map at the end."""
    if overrides.ignore_repositories:
        entries = ()
    elif overrides.ignore_repositories_used_for_build:
        entries = tuple(entry for entry in entries if entry.imageonly)
    for option in overrides.set_repositories:
        if not entries:
            raise UsageError(f"{option.option} has no repository to change", hint="use --add-repo")
        entries = (option.changed(entries[0]), *entries[1:])
    entries = (*entries, *(option.added() for option in overrides.add_repositories))
    if not (overrides.signing_keys or overrides.repository_map):
        return entries
    keys = signings(overrides.signing_keys, read.said_by("--signing-key"))
    return tuple(
        msgspec.structs.replace(
            entry, path=mapped(entry.path, overrides.repository_map), signing=(*entry.signing, *keys)
        )
        for entry in entries
    )
