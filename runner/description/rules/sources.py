# SPDX-License-Identifier: Apache-2.0
"""Rules about repositories, packages and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule

if TYPE_CHECKING:
    from runner.description.rules.rule import Found, Subject

_PUBLIC = ("http://", "https://", "ftp://", "mirror://", "obs:")
_NOT_FOR_APT = frozenset({"collectionModule", "product"})


def _repositories_configured(subject: Subject) -> Found:
    for chosen in subject.selections:
        if not any(not entry.imageonly for entry in chosen.repositories):
            shown = ", ".join(chosen.profiles) or "none"
            yield f"no repository to build from with the profiles: {shown}", subject.description.at


def _public_in_image(subject: Subject) -> Found:
    for entry in subject.description.repositories:
        if (entry.imageinclude or entry.imageonly) and not entry.path.startswith(_PUBLIC):
            yield "a repository is left in the image that others cannot reach", entry.at


def _imageonly_exclusive(subject: Subject) -> Found:
    for entry in subject.description.repositories:
        if entry.imageinclude and entry.imageonly:
            yield "imageinclude and imageonly exclude each other", entry.at


def _verification_off(subject: Subject) -> Found:
    for entry in subject.description.repositories:
        if entry.repository_gpgcheck is False:
            yield "the description asks not to verify this repository", entry.at


def _credentials(subject: Subject) -> Found:
    for entry in subject.description.repositories:
        if entry.password:
            yield "a password stands in the description", entry.at


def _manager_named(subject: Subject) -> Found:
    for chosen in subject.selections:
        if not any(block.packagemanager for block in chosen.preferences):
            yield f"no package manager is named: {chosen.merged.packagemanager} is assumed", subject.description.at


def _apt_has_no_collections(subject: Subject) -> Found:
    for chosen in subject.selections:
        if chosen.merged.packagemanager != "apt":
            continue
        for section in chosen.packages:
            names = [entry.at for entry in section.collections]
            names += [node.at for node in section.others if node.name in _NOT_FOR_APT]
            for where in names:
                yield "apt knows no such thing: it is left out", where


def _files_present(subject: Subject) -> Found:
    for section in subject.description.packages:
        named = [(entry.name, entry.at) for entry in section.archives]
        named += [(entry.name, entry.at) for entry in section.files]
        for name, where in named:
            if not (subject.description.directory / name).is_file():
                yield f"there is no file {name} beside the description", where


def _plain_password(subject: Subject) -> Found:
    for section in subject.description.users:
        for user in section.users:
            if user.pwdformat == "plain":
                yield f"the password of {user.name} stands in plain text in the description", user.at


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
    Rule("packagemanager_named", "warning", "add <packagemanager> to <preferences>", _manager_named),
    Rule("apt_collections", "warning", "name the packages instead", _apt_has_no_collections),
    Rule("file_present", "error", "add the file, or correct the name", _files_present),
    Rule("password_plain", "warning", "use a crypt hash: openssl passwd -6", _plain_password),
)
