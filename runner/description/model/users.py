# SPDX-License-Identifier: Apache-2.0
"""``<users>``: the accounts of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from runner.description.model.element import (
    Element,
    Section,
    attribute,
    children,
    location_of,
    number,
    section_of,
    words,
)

if TYPE_CHECKING:
    from lxml.etree import _Element


class Group(Element, frozen=True, kw_only=True):
    """One entry of a ``groups`` list: ``name[:gid]``."""

    name: str
    gid: int | None = None


class User(Element, frozen=True, kw_only=True):
    """One account as written. ``password`` may be plain text: never print this value, never keep it in a plan."""

    name: str
    password: str
    pwdformat: Literal["encrypted", "plain"] = "encrypted"
    groups: tuple[Group, ...] = ()
    home: str = ""
    shell: str = ""
    uid: int | None = None
    realname: str = ""

    def __repr__(self) -> str:
        return f"User({self.name!r})"

    __str__ = __repr__


class UserSection(Section, frozen=True, kw_only=True):
    users: tuple[User, ...] = ()


def read_users(image: _Element) -> tuple[UserSection, ...]:
    return tuple(
        UserSection(
            at=location_of(section),
            users=tuple(_user(entry) for entry in children(section, "user")),
            **section_of(section),
        )
        for section in children(image, "users")
    )


def _user(element: _Element) -> User:
    return User(
        at=location_of(element),
        name=attribute(element, "name"),
        password=element.get("password") or "",
        pwdformat="plain" if attribute(element, "pwdformat") == "plain" else "encrypted",
        groups=tuple(_group(element, entry) for entry in words(element.get("groups"))),
        home=attribute(element, "home"),
        shell=attribute(element, "shell"),
        uid=number(element.get("id")),
        realname=attribute(element, "realname"),
    )


def _group(element: _Element, entry: str) -> Group:
    name, _, gid = entry.partition(":")
    return Group(at=location_of(element), name=name, gid=number(gid))
