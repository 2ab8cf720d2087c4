# SPDX-License-Identifier: Apache-2.0
"""Rules about profiles, versions and types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.description.model.element import Section
    from runner.description.rules.rule import Found, Subject

_THREE_PARTS = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


def _type_selectable(subject: Subject) -> Found:
    if not subject.selections:
        yield "no choice of profiles gives a type to build", subject.description.at


def _version_provided(subject: Subject) -> Found:
    for chosen in subject.selections:
        if not chosen.merged.version:
            yield f"no version for {_named(chosen.profiles)}", chosen.image_type.at


def _version_three_parts(subject: Subject) -> Found:
    for block in subject.description.preferences:
        if block.version and not _THREE_PARTS.fullmatch(block.version):
            yield f"version {block.version} is not Major.Minor.Patch", block.at


def _type_unique(subject: Subject) -> Found:
    for chosen in subject.selections:
        seen: set[str] = set()
        for entry in (entry for block in chosen.preferences for entry in block.types):
            if entry.image in seen:
                yield f"type {entry.image} is there twice for {_named(chosen.profiles)}", entry.at
            seen.add(entry.image)


def _profile_known(subject: Subject) -> Found:
    known = {profile.name for profile in subject.description.profiles}
    for section in _sections(subject):
        for name in section.profiles:
            if name not in known:
                yield f"there is no profile {name}", section.at
    for profile in subject.description.profiles:
        for required in profile.requires:
            if required.profile not in known:
                yield f"profile {profile.name} requires {required.profile}, which does not exist", required.at


def _profile_unique(subject: Subject) -> Found:
    seen: set[str] = set()
    for profile in subject.description.profiles:
        if profile.name in seen:
            yield f"profile {profile.name} is defined twice", profile.at
        seen.add(profile.name)


def _command_cleared_or_set(subject: Subject) -> Found:
    for entry in (entry for block in subject.description.preferences for entry in block.types):
        if entry.container is not None:
            for command in (entry.container.entrypoint, entry.container.subcommand):
                if command is not None and command.clear and command.execute:
                    yield "the command is both set and cleared", command.at


def _sections(subject: Subject) -> Iterator[Section]:
    description = subject.description
    yield from description.preferences
    yield from description.users
    yield from description.repositories
    yield from description.packages
    yield from (node.section for node in description.others)


def _named(profiles: tuple[str, ...]) -> str:
    return f"the profiles {', '.join(profiles)}" if profiles else "a build without profiles"


RULES = (
    Rule("type_selectable", "error", "add a <type>, or a profile that has one", _type_selectable),
    Rule("image_version_provided", "error", "add <version>1.0.0</version> to <preferences>", _version_provided),
    Rule("image_version_three_parts", "warning", "bundle names need three numbers: 1.0.0", _version_three_parts),
    Rule("image_type_unique", "warning", "--type takes the first, and --type NAME:2 the next", _type_unique),
    Rule("profile_known", "error", "define it in <profiles>, or correct the name", _profile_known),
    Rule("profile_unique", "error", "remove one of the definitions", _profile_unique),
    Rule("container_command_clear", "error", "use either execute or clear", _command_cleared_or_set),
)
