# SPDX-License-Identifier: Apache-2.0
"""Plan the accounts: the first definition of a name wins, its groups are gathered from all of them."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from runner.plan.model import GroupPlan, UserPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from runner.description.model.users import Group, User, UserSection

_SALT_KEY = b"packhouse password salt v1"
_SALT_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SALT_LENGTH = 16
_ROUNDS = 5000
"""crypt(5)'s own default, so the hash is understood everywhere."""


def plan_users(sections: Sequence[UserSection], *, image_name: str) -> tuple[UserPlan, ...]:
    """Plan the users of ``sections`` (those that count), in the order of their first definition."""
    definitions: dict[str, list[User]] = {}
    for section in sections:
        for user in section.users:
            definitions.setdefault(user.name, []).append(user)
    return tuple(_plan(same[0], _groups(same), image_name) for same in definitions.values())


def _plan(user: User, groups: tuple[GroupPlan, ...], image_name: str) -> UserPlan:
    password = user.password
    if user.pwdformat == "plain":
        password = hash_password(password, image_name=image_name, user=user.name)
    return UserPlan(
        name=user.name,
        password=password,
        groups=groups,
        home=user.home,
        shell=user.shell,
        uid=user.uid,
        realname=user.realname,
    )


def _groups(same: Iterable[User]) -> tuple[GroupPlan, ...]:
    """Gather the groups; a numeric id counts wherever it is given first."""
    found: dict[str, Group] = {}
    for group in (group for user in same for group in user.groups):
        if group.name not in found or found[group.name].gid is None:
            found[group.name] = group
    return tuple(GroupPlan(name=group.name, gid=group.gid) for group in found.values())


def hash_password(plain: str, *, image_name: str, user: str) -> str:
    """Return the sha512-crypt hash of ``plain``.

    The salt is an HMAC over image and user, so that a rebuild gives the same bytes and no two images share one.
    """
    from passlib.hash import sha512_crypt

    message = f"{image_name}\0{user}\0password".encode()
    seed = hmac.new(_SALT_KEY, message, hashlib.sha256).digest()
    salt = "".join(_SALT_ALPHABET[byte % len(_SALT_ALPHABET)] for byte in seed[:_SALT_LENGTH])
    return str(sha512_crypt.using(rounds=_ROUNDS, salt=salt).hash(plain))
