# SPDX-License-Identifier: Apache-2.0
"""Plan the container's metadata with KIWI's defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import __version__
from runner.plan.model import ContainerPlan, HistoryPlan

if TYPE_CHECKING:
    from runner.description.model.containers import ContainerCommand, ContainerConfig, History

CONTAINER_TYPES = frozenset({"docker", "oci"})
_NAME, _TAG = "kiwi-container", "latest"


def plan_container(config: ContainerConfig | None, *, author: str, derived: bool) -> ContainerPlan:
    """Fill the defaults of ``config`` in; ``author`` is ``Author <contact>``.

    ``/bin/bash`` becomes the command when neither entrypoint nor subcommand is given and nothing can be inherited.
    """
    shell = None if derived else ("/bin/bash",)
    if config is None:
        return ContainerPlan(maintainer=author, subcommand=shell, history=_history(None, author))
    name, tag = config.name or _NAME, config.tag or _TAG
    entrypoint, subcommand = _command(config.entrypoint), _command(config.subcommand)
    return ContainerPlan(
        name=name,
        tag=tag,
        additional_names=tuple(_full_name(entry, name, tag) for entry in config.additionalnames),
        maintainer=config.maintainer or author,
        user=config.user,
        workingdir=config.workingdir,
        entrypoint=entrypoint,
        subcommand=shell if entrypoint is None and subcommand is None else subcommand,
        expose=config.expose,
        volumes=config.volumes,
        stopsignal=config.stopsignal,
        environment=dict(config.environment),
        labels=dict(config.labels),
        history=_history(config.history, author),
    )


def _command(command: ContainerCommand | None) -> tuple[str, ...] | None:
    """None: not given; empty: an inherited one is cleared."""
    if command is None:
        return None
    if command.clear:
        return ()
    return tuple(part for part in (command.execute, *command.arguments) if part)


def _full_name(entry: str, name: str, tag: str) -> str:
    """Fill the missing half of ``[repository]:[tag]``; a port in the registry's name is not a tag."""
    repository, colon, given = entry.rpartition(":")
    if not colon or "/" in given:
        repository, given = entry, ""
    return f"{repository or name}:{given or tag}"


def _history(history: History | None, author: str) -> HistoryPlan:
    return HistoryPlan(
        created_by=(history and history.created_by) or f"Packhouse {__version__}",
        author=(history and history.author) or author,
        comment=history.comment if history else "",
    )
