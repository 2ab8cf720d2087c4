# SPDX-License-Identifier: Apache-2.0
"""Rules about repositories, and files beside the description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule

if TYPE_CHECKING:
    from runner.description.rules.rule import Found, Subject

_PUBLIC = ("http://", "https://", "ftp://", "mirror://", "obs:")


def _repositories_configured(subject: Subject) -> Found:
    """Packages come from somewhere."""
    for chosen in subject.selections:
        if not any(not entry.imageonly for entry in chosen.repositories):
            shown = ", ".join(chosen.profiles) or "none"
            yield f"no repository to build from with the profiles: {shown}", subject.description.at


def _public_in_image(subject: Subject) -> Found:
    """A repository that stays in the image must be reachable by those who run it."""
    for entry in subject.description.repositories:
        if (entry.imageinclude or entry.imageonly) and not entry.path.startswith(_PUBLIC):
            yield "a repository is left in the image that others cannot reach", entry.at


def _imageonly_exclusive(subject: Subject) -> Found:
    """``imageonly`` means: not for the build, and ``imageinclude``: for both."""
    for entry in subject.description.repositories:
        if entry.imageinclude and entry.imageonly:
            yield "imageinclude and imageonly exclude each other", entry.at


def _verification_off(subject: Subject) -> Found:
    """Packages of a repository without signature can be anybody's."""
    for entry in subject.description.repositories:
        if entry.repository_gpgcheck is False:
            yield "the description asks not to verify this repository", entry.at


def _credentials(subject: Subject) -> Found:
    """Whoever reads the description reads the password."""
    for entry in subject.description.repositories:
        if entry.password:
            yield "a password stands in the description", entry.at


def _insecure_transport(subject: Subject) -> Found:
    """Without signature and without encryption anybody on the way can change packages."""
    for entry in subject.description.repositories:
        if entry.path.startswith(("http:", "ftp:")) and entry.repository_gpgcheck is False:
            yield "packages of this repository can be changed on their way", entry.at


def _aliases_unique(subject: Subject) -> Found:
    """An alias names one repository in locks, logs and the image."""
    for chosen in subject.selections:
        seen: dict[str, str] = {}
        for entry in chosen.repositories:
            if entry.alias and seen.setdefault(entry.alias, entry.path) != entry.path:
                yield f"two repositories are called {entry.alias}", entry.at


def _include_reachable(subject: Subject) -> Found:
    """What only a build service knows is asked for through a mapping."""
    for entry in subject.description.repositories:
        if entry.path.startswith("obsrepositories:"):
            yield "which repositories these are is known only inside a build service", entry.at


def _keys_present(subject: Subject) -> Found:
    """A repository is verified with these keys."""
    for entry in subject.description.repositories:
        for key in entry.signing:
            name = key.key.removeprefix("this://").lstrip("/") if key.key.startswith("this://") else ""
            if name and not (subject.description.directory / name).is_file():
                yield f"there is no key {name} beside the description", key.at


def _files_present(subject: Subject) -> Found:
    """What is unpacked or copied must be there."""
    for section in subject.description.packages:
        named = [(entry.name, entry.at) for entry in section.archives]
        named += [(entry.name, entry.at) for entry in section.files]
        for name, where in named:
            if not (subject.description.directory / name).is_file():
                yield f"there is no file {name} beside the description", where


RULES = (
    Rule("repositories_configured", "error", "add a <repository>", _repositories_configured),
    Rule(
        "image_include_repos_publicly_resolvable", "error", "use a public http or https address", _public_in_image
    ),
    Rule("repository_imageonly_exclusive", "error", "keep one of them", _imageonly_exclusive),
    Rule(
        "repository_verification_off",
        "warning",
        "it is verified all the same unless unsigned repositories are allowed for the build",
        _verification_off,
    ),
    Rule("repository_password", "warning", "keep secrets out of descriptions", _credentials),
    Rule("repository_transport", "warning", "use https, or verify signatures", _insecure_transport),
    Rule("repository_alias_unique", "warning", "give each its own alias", _aliases_unique),
    Rule("repository_of_build_service", "note", "build with --repo-map obsrepositories:=URL", _include_reachable),
    Rule("signing_key_present", "error", "add the file, or correct the name", _keys_present),
    Rule("file_present", "error", "add the file, or correct the name", _files_present),
)
