# SPDX-License-Identifier: Apache-2.0
"""What a program in the sandbox gets: environment, owners, files shown, exit status."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from runner.sandbox import environment

if TYPE_CHECKING:
    from tests.integration.sandbox.conftest import World

pytestmark = pytest.mark.integration


def test_environment_is_exactly_the_fixed_one(world: World) -> None:
    ran = world.run("env", env={"A": "b c"}, cwd="/tmp")
    seen = dict(line.split("=", 1) for line in ran.stdout.splitlines())
    assert seen == environment.environment({"LC_ALL": "C", "A": "b c"}, "/tmp")


def test_host_name(world: World) -> None:
    expected = environment.HOSTNAME if world.is_isolated else platform.node()
    assert world.run("hostname").stdout.strip() == expected


def test_no_groups_of_the_caller(world: World) -> None:
    assert world.run("id", "-G").stdout.split() == ["0"]


def test_umask_is_not_the_callers(world: World) -> None:
    ran = world.sh("touch /tmp/new && stat -c %a /tmp/new", umask=0o077)
    assert ran.stdout == "644\n", ran


def test_standard_input_and_working_folder(world: World) -> None:
    ran = world.sh("cat; pwd", stdin="given\n", cwd="/etc")
    assert ran.stdout == "given\n/etc\n"


def test_any_owner_and_the_setuid_bit(world: World) -> None:
    ran = world.sh(
        "for i in 1 1000 65534 65535; do touch /tmp/o$i && chown $i:$i /tmp/o$i && chmod 4755 /tmp/o$i; done;"
        "stat -c '%u %g %a' /tmp/o*"
    )
    assert ran.stdout == "".join(f"{i} {i} 4755\n" for i in (1, 1000, 65534, 65535)), ran
    assert world.engine.shell(f"stat -c %u {world.root}/tmp/o65535") == "65535\n"


def test_another_user_can_be_become(world: World) -> None:
    assert world.sh("setpriv --reuid=1000 --regid=1000 --clear-groups id -u").stdout == "1000\n"


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143), ("kill -KILL $$", 137)]
)
def test_exit_status(world: World, script: str, status: int) -> None:
    assert world.sh(script).returncode == status


def test_a_failure_is_an_error_with_the_last_lines(world: World) -> None:
    ran = world.sh("echo reason >&2; exit 3", check=True)
    assert (ran.error, ran.tail) == ("BuildError", ["reason"])


@pytest.mark.parametrize("job", [{"argv": "no-such-program"}, {"argv": "true", "cwd": "/no/such"}])
def test_what_cannot_run_says_why(world: World, job: dict[str, str]) -> None:
    ran = world.run(job["argv"], cwd=job.get("cwd", "/"))
    assert ran.returncode > 0
    assert "no-such-program" in ran.tail[-1] or "/no/such" in ran.tail[-1]


def test_a_broken_pipe_ends_a_program_quietly(world: World) -> None:
    assert world.perl("print $SIG{PIPE} // 'default'").stdout == "default"


def test_a_folder_is_shown_and_cannot_be_changed(world: World) -> None:
    shown = world.engine.folder / "shown"
    shown.mkdir(exist_ok=True)
    (shown / "file").write_text("content")
    shown.chmod(0o755)
    ran = world.sh(
        "cat /srv/a/file; (echo x > /srv/a/file) 2>/dev/null; true", binds=[[str(shown), "/srv/a", False]]
    )
    assert ran.stdout == "content", ran
    assert (shown / "file").read_text() == "content"
    assert not (world.root / "srv").exists()


def test_a_file_is_shown(world: World) -> None:
    file = world.engine.folder / "single"
    file.write_text("content")
    ran = world.run("cat", "/etc/single", binds=[[str(file), "/etc/single", False]])
    assert ran.stdout == "content"
    assert not (world.root / "etc/single").exists()


def test_a_writable_folder(world: World) -> None:
    shown = world.engine.folder / "writable"
    world.engine.shell(f"mkdir -p {shown}")
    ran = world.sh("echo new > /srv/file", binds=[[str(shown), "/srv", True]])
    if world.is_isolated:
        assert (ran.returncode, (shown / "file").read_text()) == (0, "new\n"), ran
    else:
        assert ran.error == "HostError"
    assert not (world.root / "srv").exists()


def test_a_linked_mount_point_is_refused(world: World) -> None:
    link = world.root / "srv"
    link.symlink_to("/etc")
    try:
        ran = world.run("true", binds=[[str(world.engine.folder), "/srv/x", False]])
    finally:
        link.unlink()
    assert ran.error == "BuildError"
    assert "symbolic link" in ran.text


def test_devices_are_not_left_in_the_tree(world: World) -> None:
    world.run("true")
    assert list((world.root / "dev").iterdir()) == []
