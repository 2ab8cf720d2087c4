# SPDX-License-Identifier: Apache-2.0
"""What a program in the sandbox cannot see or reach."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from runner.sandbox import environment
from runner.sandbox.chroot import CAPABILITIES as IN_CHROOT

if TYPE_CHECKING:
    from tests.integration.sandbox.conftest import World

pytestmark = pytest.mark.integration

_SETS = """
my $header = pack('L2', 0x20080522, 0); my $data = "\\0" x 24;
call('capget', $header, $data) eq 0 or die;
my ($effective, $permitted, undef, $high, $higher) = unpack('L6', $data);
print join(' ', $effective, $permitted, $high, $higher, call('prctl', 39, 0, 0, 0, 0)), "\\n";
"""


def kept(world: World) -> int:
    names = environment.CAPABILITIES if world.is_isolated else IN_CHROOT
    return sum(1 << environment.CAPABILITY_NUMBERS[name] for name in names)


def test_capabilities_are_exactly_those_named_and_no_program_regains_any(world: World) -> None:
    mask = kept(world)
    direct = world.perl(_SETS)
    grandchild = world.sh("sh -c 'perl -e \"$P\"; true'; true", env={"P": world.source(_SETS)})
    assert direct.stdout == f"{mask} {mask} 0 0 1\n", direct
    assert grandchild.stdout == direct.stdout, grandchild


def test_a_network_socket_cannot_be_made(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ran = world.perl(
            "for my $family (AF_INET, AF_INET6, 17, 40) {"
            " print socket(my $s, $family, SOCK_STREAM, 0) ? 'made' : 'errno ' . ($!+0), qq(\\n) }"
            f"my $s; socket($s, AF_INET, SOCK_STREAM, 0) and connect($s, sockaddr_in({port}, INADDR_LOOPBACK))"
            " and print qq(connected\\n);"
            "socketpair(my $x, my $y, AF_UNIX, SOCK_STREAM, 0) or die; syswrite($x, 'unix');"
            "sysread($y, my $t, 4); print qq($t\\n);"
        )
    assert ran.stdout == "errno 97\n" * 4 + "unix\n", ran


def test_an_abstract_socket_of_the_machine_is_out_of_reach(world: World) -> None:
    if not world.is_isolated:
        pytest.skip("needs a network namespace")
    name = f"packhouse-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{name}")
        server.listen()
        ran = world.perl(
            f"socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die; print connect($s, pack_sockaddr_un(qq(\\0{name})))"
            " ? 'connected' : 'errno ' . ($!+0)"
        )
    assert ran.stdout == "errno 111", ran


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("'io_uring_setup', 8, my $p = chr(0) x 120", "errno 1"),
        ("'unshare', 0x10000000", "errno 1"),
        ("'mount', my $s = 'none', my $t = '/tmp', my $k = 'tmpfs', 0, 0", "errno 1"),
        ("'fsync', -1", "0"),  # without the filter a bad descriptor
    ],
)
def test_filtered_calls(world: World, call: str, answer: str) -> None:
    assert world.perl(f"print call({call});").stdout == answer


def test_files_of_the_machine_are_hidden(world: World) -> None:
    secret = world.engine.folder / "secret"
    secret.write_text("secret")
    ran = world.perl(
        f"print -e '{secret}' ? 'seen' : 'hidden', qq(\\n);"
        "mkdir '/tmp/jail'; chroot '/tmp/jail'; chdir '..' for 1..20; chroot '.';"
        f"print -e '{secret}' ? 'escaped' : 'hidden';"
    )
    assert ran.stdout == "hidden\nhidden", ran
    assert "etc" in world.sh("ls /").stdout.split()


def test_processes_of_the_machine_are_hidden(world: World) -> None:
    if not world.is_isolated:
        assert world.sh("ls /proc").stdout == ""
        return
    seen = world.sh("ls /proc; kill -0 99999 || echo none").stdout.split()
    assert "none" in seen
    assert len([name for name in seen if name.isdigit()]) <= 4


def test_settings_of_the_kernel_cannot_be_written(world: World) -> None:
    ran = world.sh(
        "cd /proc; for f in sys/vm/swappiness sys/kernel/hostname sysrq-trigger irq/default_smp_affinity;"
        " do [ ! -e $f ] || (echo 1 > $f) 2>/dev/null && [ -e $f ] && echo written $f; done; ls /sys"
    )
    assert ran.stdout == "", ran


def test_devices_are_few_and_others_cannot_be_made_or_used(world: World) -> None:
    ran = world.sh(
        "mknod /tmp/disk b 254 0 2>/dev/null && echo made; ls /dev; echo x > /dev/null; ls -l /dev/null"
    )
    assert "made" not in ran.stdout
    names = set(ran.stdout.splitlines()[:-1])
    expected = set(environment.DEVICES)
    if world.is_isolated:
        expected |= {"core", "fd", "ptmx", "pts", "shm", "stderr", "stdin", "stdout"}
    assert expected <= names <= expected | {"console"}
    assert ran.stdout.splitlines()[-1].startswith("crw-rw-rw-")


def test_a_device_file_that_lies_in_the_tree_is_dead(world: World) -> None:
    if not world.is_isolated or world.engine.identity != "root":
        pytest.skip("needs a mount, and real root to make the device")
    os.mknod(world.root / "tmp/zero", 0o20666, os.makedev(1, 5))
    try:
        assert world.sh("true < /tmp/zero").returncode != 0
    finally:
        (world.root / "tmp/zero").unlink()


def test_secrets_in_the_engines_environment_stay_there(world: World) -> None:
    ran = world.engine.run(
        world.mode,
        world.root,
        *("sh", "-c", "cat /proc/*/environ /proc/*/cmdline 2>/dev/null; env; true"),
        env_outside={"TOKEN": "my-secret-value"},
    )
    assert ran.returncode == 0
    assert "my-secret-value" not in ran.stdout


def test_no_descriptor_is_inherited(world: World) -> None:
    ran = world.perl("for my $fd (3..255) { open(my $f, '<&=', $fd) and print qq($fd ) }", stdin="")
    assert ran.stdout == "", ran


def test_nothing_is_mounted_on_the_machine(world: World) -> None:
    world.run("true", binds=[[str(world.engine.folder), "/srv/shown", False]])
    mounts = subprocess.run(["cat", "/proc/self/mounts"], capture_output=True, text=True, check=True).stdout
    assert str(world.engine.folder) not in mounts
