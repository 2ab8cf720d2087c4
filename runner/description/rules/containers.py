# SPDX-License-Identifier: Apache-2.0
"""Rules about containers, and packages of Windows that hold one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule

if TYPE_CHECKING:
    from runner.description.rules.rule import Found, Subject

_WRAPPED = ("oci", "docker")
_UNREACHABLE = ("http://", "https://", "ftp://")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_REPOSITORY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_APPX_ID = re.compile(r"[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*")
_FOUR_PARTS = re.compile(r"[0-9]+(\.[0-9]+){3}")


def _command_cleared_or_set(subject: Subject) -> Found:
    """An inherited command is either replaced or removed."""
    for entry in subject.types:
        if entry.container is not None:
            for command in (entry.container.entrypoint, entry.container.subcommand):
                if command is not None and command.clear and command.execute:
                    yield "the command is both set and cleared", command.at


def _only_wrapped(subject: Subject) -> Found:
    """A disk is in a container only when its format says so."""
    for entry in subject.types:
        if entry.image == "oem" and entry.container and not entry.formats.format.startswith(_WRAPPED):
            yield "the disk is shipped in no container", entry.container.at


def _base_reachable(subject: Subject) -> Found:
    """A base image is a local archive or in a registry, and has a digest there."""
    for entry in subject.types:
        for uri in entry.containers.derived_from.split(","):
            if uri.strip().startswith(_UNREACHABLE):
                yield f"{uri.strip()} is no address of a container", entry.at


def _names_valid(subject: Subject) -> Found:
    """Registries and engines refuse other names and tags (the OCI distribution specification has the grammar)."""
    for entry in subject.types:
        said = entry.container
        if entry.image not in {"docker", "oci"} or said is None:
            continue
        if said.name and not _REPOSITORY.fullmatch(said.name):
            yield f"{said.name} is no name for a container", said.at
        if said.tag and not _TAG.fullmatch(said.tag):
            yield f"{said.tag} is no tag for a container", said.at


def _appx_names(subject: Subject) -> Found:
    """Windows refuses packages with other names and versions."""
    for entry in subject.types:
        said = entry.container
        if entry.image != "appx" or said is None:
            continue
        if said.application_id and not _APPX_ID.fullmatch(said.application_id):
            yield f"{said.application_id} is no application id", said.at
        if said.package_version and not _FOUR_PARTS.fullmatch(said.package_version):
            yield f"{said.package_version} is not a version of four numbers", said.at
        if said.launcher and not said.launcher.endswith(".exe"):
            yield f"{said.launcher} is no .exe", said.at


def _appx_metadata(subject: Subject) -> Found:
    """A package of Windows is described by files that KIWI does not make."""
    for entry in subject.types:
        if entry.image == "appx" and not entry.formats.metadata_path:
            yield "metadata_path is missing", entry.at


RULES = (
    Rule("container_command_clear", "error", "use either execute or clear", _command_cleared_or_set),
    Rule("container_of_disk", "error", 'set format="oci:…", or remove it', _only_wrapped),
    Rule("derived_from_reachable", "error", "use docker://…, oci:… or file:…", _base_reachable),
    Rule("container_names_valid", "warning", "use lower-case letters, digits and . _ - /", _names_valid),
    Rule("appx_naming_conventions_valid", "error", "correct it", _appx_names),
    Rule("appx_metadata_named", "error", "add metadata_path", _appx_metadata),
)
