# SPDX-License-Identifier: Apache-2.0
"""The strongest sandbox that works is taken."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.sandbox.choose import VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.sandbox.conftest import World
    from tests.support.engines import Ran

pytestmark = pytest.mark.integration

_CHOOSE = "choose"


def chosen(world: World, **env: str) -> Ran:
    return world.engine.run(_CHOOSE, world.root, "true", env_outside=env)


def fake_bubblewrap(folder: Path, script: str) -> str:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_bubblewrap_comes_first(world: World) -> None:
    assert chosen(world).mode == "bwrap"


def test_a_named_one_is_taken(world: World) -> None:
    assert chosen(world, **{VARIABLE: world.mode}).mode == world.mode


@pytest.mark.parametrize(
    "script", ["echo bubblewrap 0.7.9", "[ $1 = --version ] && echo bubblewrap 0.9.0 || exit 1"]
)
def test_bubblewrap_that_is_old_or_broken_is_passed_over(world: World, script: str) -> None:
    path = fake_bubblewrap(world.engine.folder / "fake", script)
    assert chosen(world, PATH=path).mode == "unshare"


def test_a_named_one_that_does_not_work_is_an_error_with_the_reason(world: World) -> None:
    path = fake_bubblewrap(world.engine.folder / "fake", "echo bubblewrap 0.7.9")
    ran = chosen(world, PATH=path, **{VARIABLE: "bwrap"})
    assert ran.error == "HostError"
    assert "0.7.9 is too old" in ran.text


def test_users_have_no_chroot(world: World) -> None:
    if world.engine.identity != "subuid":
        pytest.skip("root may make device files")
    ran = chosen(world, **{VARIABLE: "chroot"})
    assert ran.error == "HostError"
    assert "cannot be run in isolation" in ran.text
    assert "device files" in ran.text
