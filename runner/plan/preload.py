# SPDX-License-Identifier: Apache-2.0
"""Plan the registry containers that the image brings along."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.description.model.preload import Container, Containers


class PreloadedContainer(msgspec.Struct, frozen=True, kw_only=True):
    """A container laid into the image; ``backend`` loads it at first boot unless it is only stored.

    ``reference`` is ``registry/path/name:tag``.
    """

    reference: str
    name: str
    tag: str = "latest"
    backend: str = "podman"
    load: bool = True


def plan_preloaded(
    groups: Iterable[Containers], profiles: Sequence[str], machine: str
) -> tuple[PreloadedContainer, ...]:
    """Plan the containers of those ``groups`` that count, in order."""
    return tuple(
        _plan(group, container)
        for group in groups
        if group.applies(profiles, machine)
        for container in group.containers
        if not container.arch or machine in container.arch
    )


def _plan(group: Containers, said: Container) -> PreloadedContainer:
    tag = said.tag or "latest"
    place = "/".join(part.strip("/") for part in (group.source, said.path, said.name) if part)
    return PreloadedContainer(
        reference=f"{place}:{tag}",
        name=said.name,
        tag=tag,
        backend=group.backend,
        load=not said.fetch_only,
    )
