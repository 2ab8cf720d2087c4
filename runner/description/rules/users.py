# SPDX-License-Identifier: Apache-2.0
"""Rules about accounts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.description.rules.rule import Rule

if TYPE_CHECKING:
    from runner.description.rules.rule import Found, Subject

_HASH = re.compile(r"\$[0-9a-z]+\$|[!*x]|[./0-9A-Za-z]{13}$|_[./0-9A-Za-z]{19}$")
_OLD_HASH = re.compile(r"\$1\$|[./0-9A-Za-z]{13}$")


def _plain_password(subject: Subject) -> Found:
    """Whoever reads the description reads the password."""
    for section in subject.description.users:
        for user in section.users:
            if user.pwdformat == "plain":
                yield f"the password of {user.name} stands in plain text in the description", user.at


def _password_hash(subject: Subject) -> Found:
    """A text that is no hash lets nobody in."""
    for section in subject.description.users:
        for user in section.users:
            if user.pwdformat != "plain" and user.password and not _HASH.match(user.password):
                yield f"the password of {user.name} is no hash of crypt(5)", user.at


def _weak_hash(subject: Subject) -> Found:
    """These hashes can be guessed by trying."""
    for section in subject.description.users:
        for user in section.users:
            if user.pwdformat != "plain" and _OLD_HASH.match(user.password):
                yield f"the password of {user.name} is hashed in an old way", user.at


def _ids_unique(subject: Subject) -> Found:
    """Files belong to a number, so two accounts with one number are one."""
    for chosen in subject.selections:
        seen: dict[int, str] = {}
        for user in (user for section in chosen.users for user in section.users):
            if user.uid is not None and seen.setdefault(user.uid, user.name) != user.name:
                yield f"{user.name} and {seen[user.uid]} have the number {user.uid}", user.at


RULES = (
    Rule("password_plain", "warning", "use a crypt hash: openssl passwd -6", _plain_password),
    Rule(
        "password_hashed", "warning", 'make one with openssl passwd -6, or set pwdformat="plain"', _password_hash
    ),
    Rule("password_hash_strong", "warning", "make a new one: openssl passwd -6", _weak_hash),
    Rule("user_id_unique", "warning", "give each a number of its own", _ids_unique),
)
