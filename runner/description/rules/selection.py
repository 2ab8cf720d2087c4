# SPDX-License-Identifier: Apache-2.0
"""Rules about profiles, versions and types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule
from runner.plan.select import DEBIAN_MACHINES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.description.model.element import Section
    from runner.description.rules.rule import Found, Subject

_OLDEST_IN_USE = (7, 4)
_THREE_PARTS = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


def _schema_in_use(subject: Subject) -> Found:
    """KIWI 10 reads no schema before 7.4; here every one is read."""
    written = subject.description.schemaversion
    if tuple(int(part) for part in written.split(".")) < _OLDEST_IN_USE:
        yield f"schema {written} is no longer read by KIWI", subject.description.at


def _type_selectable(subject: Subject) -> Found:
    """Something has to come out."""
    if not subject.selections:
        yield "no choice of profiles gives a type to build", subject.description.at


def _version_provided(subject: Subject) -> Found:
    """The version is part of every result's name."""
    for chosen in subject.selections:
        if not chosen.merged.version:
            yield f"no version for {_named(chosen.profiles)}", chosen.image_type.at


def _version_three_parts(subject: Subject) -> Found:
    """Names of bundles are made of the parts of the version."""
    for block in subject.description.preferences:
        if block.version and not _THREE_PARTS.fullmatch(block.version):
            yield f"version {block.version} is not Major.Minor.Patch", block.at


def _type_unique(subject: Subject) -> Found:
    """KIWI refuses a second type of a kind."""
    for chosen in subject.selections:
        seen: set[str] = set()
        for entry in (entry for block in chosen.preferences for entry in block.types):
            if entry.image in seen:
                yield f"type {entry.image} is there twice for {_named(chosen.profiles)}", entry.at
            seen.add(entry.image)


def _profile_known(subject: Subject) -> Found:
    """What is bound to a profile that does not exist never counts."""
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
    """The second definition would hide behind the first."""
    seen: set[str] = set()
    for profile in subject.description.profiles:
        if profile.name in seen:
            yield f"profile {profile.name} is defined twice", profile.at
        seen.add(profile.name)


def _profile_used(subject: Subject) -> Found:
    """A profile that nothing is bound to changes nothing but the variable of profiles."""
    used = {name for section in _sections(subject) for name in section.profiles}
    used |= {required.profile for profile in subject.description.profiles for required in profile.requires}
    for profile in subject.description.profiles:
        folder = subject.description.directory / profile.name
        if profile.name not in used and not profile.requires and not folder.is_dir():
            yield f"nothing is bound to the profile {profile.name}", profile.at


def _requirements_end(subject: Subject) -> Found:
    """Profiles that require each other are always on together."""
    required = {
        profile.name: [entry.profile for entry in profile.requires] for profile in subject.description.profiles
    }
    for profile in subject.description.profiles:
        seen, ahead = set[str](), list(required[profile.name])
        while ahead:
            name = ahead.pop()
            if name not in seen:
                seen.add(name)
                ahead += required.get(name, ())
        if profile.name in seen:
            yield f"profile {profile.name} requires itself", profile.at


def _arch_as_the_kernel_says(subject: Subject) -> Found:
    """``arch`` is compared with what ``uname -m`` says, to the letter."""
    for section in _sections(subject):
        for arch in section.arch:
            if arch in DEBIAN_MACHINES:
                yield f'arch="{arch}" is never met: the kernel says {DEBIAN_MACHINES[arch]}', section.at
    for packages in subject.description.packages:
        for entry in packages.packages:
            for arch in entry.arch:
                if arch in DEBIAN_MACHINES:
                    yield f'arch="{arch}" is never met: the kernel says {DEBIAN_MACHINES[arch]}', entry.at


def _primary_unique(subject: Subject) -> Found:
    """Only the first primary type counts."""
    for chosen in subject.selections:
        primary = [entry for block in chosen.preferences for entry in block.types if entry.primary]
        for entry in primary[1:]:
            yield f"two types are primary for {_named(chosen.profiles)}", entry.at


def _bundle_format_version(subject: Subject) -> Found:
    """The placeholders %M, %m and %p stand for the parts of the version."""
    for chosen in subject.selections:
        pattern, version = chosen.image_type.formats.bundle_format, chosen.merged.version
        if any(part in pattern for part in ("%M", "%m", "%p")) and not _THREE_PARTS.fullmatch(version):
            yield (
                f"bundle_format needs Major.Minor.Patch, and the version is {version or 'missing'}",
                (chosen.image_type.at),
            )


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
    Rule("schema_in_use", "note", "packhouse upgrade --in-place rewrites the description", _schema_in_use),
    Rule("type_selectable", "error", "add a <type>, or a profile that has one", _type_selectable),
    Rule("image_version_provided", "error", "add <version>1.0.0</version> to <preferences>", _version_provided),
    Rule("image_version_three_parts", "warning", "bundle names need three numbers: 1.0.0", _version_three_parts),
    Rule("image_type_unique", "warning", "--type takes the first, and --type NAME:2 the next", _type_unique),
    Rule("profile_known", "error", "define it in <profiles>, or correct the name", _profile_known),
    Rule("profile_unique", "error", "remove one of the definitions", _profile_unique),
    Rule("profile_used", "note", "bind something to it, or remove it", _profile_used),
    Rule("profile_requirements_end", "warning", "remove one of the requirements", _requirements_end),
    Rule("arch_known", "warning", "write it as uname -m does", _arch_as_the_kernel_says),
    Rule("primary_type_unique", "warning", "mark one of them", _primary_unique),
    Rule("bundle_format_version", "warning", "give three numbers: 1.0.0", _bundle_format_version),
)
