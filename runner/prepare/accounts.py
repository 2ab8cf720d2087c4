# SPDX-License-Identifier: Apache-2.0
"""Creates groups, then users, with the image's own account tools.

The order is the plan's, so free numbers are given out the same way every time.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import DescriptionError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.plan.model import GroupPlan, UserPlan
    from runner.prepare.paths import TreePaths
    from runner.prepare.step import Bench

VERSION = 1

_UID, _GID, _HOME = 2, 3, 5  # fields of passwd(5)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The accounts in the order of the plan."""

    users: tuple[UserPlan, ...]


def run(inputs: Inputs, bench: Bench) -> None:
    """Create or change the accounts. The first group of a user is the login group.

    Raises:
        DescriptionError: a password hash that cannot stand in shadow(5).
        BuildError: an account tool refused, or the image has none.
    """
    if not inputs.users:
        return
    bench.require("useradd", package="passwd", purpose="creating users")
    known = set(entries(bench.paths, "group"))
    for group in (group for user in inputs.users for group in user.groups):
        if group.name not in known:
            bench.run(*_groupadd(group), what=f"creating the group {group.name}")
            known.add(group.name)
    for user in inputs.users:
        _check(user)
        before = entries(bench.paths, "passwd")
        options = _options(user)
        if user.name in before and not options:
            continue  # usermod with nothing to change is an error
        if user.name in before:
            bench.run("usermod", *options, "--", user.name, what=f"changing the user {user.name}")
        else:
            bench.run("useradd", "--create-home", *options, "--", user.name, what=f"creating the user {user.name}")
            _own_home(user, bench)
    secrets = "".join(f"{user.name}:{user.password}\n" for user in inputs.users if user.password)
    if secrets:
        bench.run("chpasswd", "--encrypted", stdin=secrets.encode(), what="setting the passwords")


def entries(paths: TreePaths, database: str) -> dict[str, list[str]]:
    """Return the lines of the tree's ``/etc/passwd`` or ``/etc/group``, split at colons, by name."""
    file = paths.resolve(f"/etc/{database}")
    if not file.is_file():
        return {}
    lines = file.read_text("utf-8", "surrogateescape").splitlines()
    return {line.split(":", 1)[0]: line.split(":") for line in lines if ":" in line}


def _groupadd(group: GroupPlan) -> list[str]:
    number = [] if group.gid is None else ["--gid", str(group.gid)]
    return ["groupadd", *number, "--", group.name]


def _options(user: UserPlan) -> list[str]:
    options = []  # short ones: useradd and usermod name some long ones differently
    if user.groups:
        options += ["-g", user.groups[0].name]
        if others := user.groups[1:]:
            options += ["-G", ",".join(group.name for group in others)]
    for option, value in (("-d", user.home), ("-s", user.shell), ("-c", user.realname)):
        if value:
            options += [option, value]
    if user.uid is not None:
        options += ["-u", str(user.uid)]
    return options


def _check(user: UserPlan) -> None:
    if any(sign in user.password for sign in ":\n\0"):
        raise DescriptionError(f"the password hash of {user.name} is none", hint="see mkpasswd(1)")


def _own_home(user: UserPlan, bench: Bench) -> None:
    """Give a new user all of the home, which an overlay may have filled before."""
    line = entries(bench.paths, "passwd")[user.name]
    if len(line) <= _HOME:
        return
    uid, gid, home = int(line[_UID]), int(line[_GID]), bench.paths.resolve(line[_HOME])
    depth = len(home.relative_to(bench.root).parts)
    if depth == 0 or (depth == 1 and home.name not in {user.name, "home"}):
        bench.warn(f"the home of {user.name} is {line[_HOME]}: its content keeps its owners")
    elif home.is_dir():
        _chown_all(home, uid, gid)


def _chown_all(folder: Path, uid: int, gid: int) -> None:
    os.lchown(folder, uid, gid)
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.lchown(os.path.join(parent, name), uid, gid)  # noqa: PTH118 - quick for large homes
