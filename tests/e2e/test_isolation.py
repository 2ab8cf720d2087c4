# SPDX-License-Identifier: Apache-2.0
"""A script of a description tries to reach the machine that builds it; the image has what the packages ship."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tarfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support.apt_repo import build_deb
from tests.support.debs import of_tar, packaged, special, unlike
from tests.support.image_files import manifest_of, only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.bench import Bench


CALLS = {"x86_64": (165, 133, 250, 188), "aarch64": (40, 33, 219, 5)}
"""Numbers of mount, mknod (or mknodat), keyctl and setxattr."""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(os.uname().machine not in CALLS, reason="numbers of system calls are not known"),
]

# Each line tries one thing and prints ``probe NAME 1`` when it worked, ``probe NAME 0`` when not.
PROBES = r"""
use Socket; use POSIX ();
my ($tcp, $udp, $folder, $marker, $mount, $mknod, $keyctl) = @ARGV;
sub probe { my ($name, $try) = @_; printf "probe %s %d\n", $name, eval { $try->() } ? 1 : 0 }
my $where = inet_aton("127.0.0.1");
probe("tcp", sub { socket(S, PF_INET, SOCK_STREAM, 0) && connect(S, sockaddr_in($tcp, $where)) });
probe("dns", sub { socket(S, PF_INET, SOCK_DGRAM, 0) && send(S, "?", 0, sockaddr_in($udp, $where)) });
probe("read", sub { open(F, "<", "$folder/secret") && <F> eq "secret" });
probe("proc", sub { open(F, "<", "/proc/1/root$folder/secret") && <F> eq "secret" });
probe("write", sub { open(F, ">", "$folder/written") && print(F "here") });
probe("pids", sub {
  opendir(P, "/proc");
  grep { open(F, "<", "/proc/$_/cmdline") && (<F> // "") =~ /$marker/ } grep { /^\d+$/ && $_ != $$ } readdir(P) });
my ($none, $place, $kind, $node) = ("none", "mnt-probe", "tmpfs", "node-probe");
mkdir $place;
probe("mount", sub { syscall($mount, $none, $place, $kind, 0, 0) == 0 });
probe("mknod", sub {
  my @node = ($mknod == 33 ? -100 : (), $node, 0060600 + 0, 7 << 8);
  syscall($mknod, @node) == 0 && open(F, "<", $node) });
probe("keyring", sub { syscall($keyctl, 0, -3, 1) > 0 });
rmdir $place; unlink $node;
"""
NAMES = {"tcp", "dns", "read", "proc", "write", "pids", "mount", "mknod", "keyring"}
CONTROL = NAMES - {"mknod", "keyring", "proc"}
"""What surely works on a machine that builds, outside of any sandbox."""


@dataclass(frozen=True, slots=True)
class Bait:
    """What is to be had on this machine; ``arguments`` tell the probes where."""

    tcp: socket.socket
    udp: socket.socket
    folder: Path
    arguments: tuple[str, ...]

    def taken(self) -> list[str]:
        """What somebody reached."""
        found = ["file"] if (self.folder / "written").exists() else []
        for name, server in (("tcp", self.tcp), ("udp", self.udp)):
            server.settimeout(0.1)
            try:
                server.accept() if name == "tcp" else server.recv(10)
            except TimeoutError:
                continue
            found.append(name)
        return found


@contextmanager
def laid_out(folder: Path) -> Iterator[Bait]:
    """Two servers on loopback, a readable secret, a process with a name of its own."""
    folder.mkdir()
    (folder / "secret").write_text("secret")
    marker = f"bait-{os.getpid()}-{folder.stat().st_ino}"
    with ExitStack() as held:
        tcp = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        child = held.enter_context(
            subprocess.Popen([sys.executable, "-c", "input()", marker], stdin=subprocess.PIPE)
        )
        held.callback(child.kill)
        numbers = CALLS[os.uname().machine][:3]
        ports = (tcp.getsockname()[1], udp.getsockname()[1])
        yield Bait(tcp, udp, folder, tuple(map(str, (*ports, folder, marker, *numbers))))


def outcomes(text: str) -> dict[str, bool]:
    return {name: worked == "1" for name, worked in re.findall(r"probe (\w+) ([01])$", text, re.MULTILINE)}


@pytest.mark.parametrize("mode", ["bwrap", "unshare", "chroot"])
def test_a_script_cannot_reach_the_machine(mode: str, bench: Bench) -> None:
    with laid_out(bench.base / "bait") as bait:
        quoted = " ".join(f"'{each}'" for each in bait.arguments)
        bench.setup.script(f"cat >/probe <<'EOF'\n{PROBES}EOF\nperl /probe {quoted}\nrm /probe\n")
        bench.build(expect=0, PACKHOUSE_SANDBOX=mode)
        assert bait.taken() == []
    assert outcomes(only(bench.target, ".log").read_text()) == dict.fromkeys(NAMES, False)
    builder = manifest_of(bench.target)["builder"]
    assert (builder["isolation"], builder["identity"]) == (mode, "root")


def test_the_probes_work_where_nothing_hinders_them(tmp_path: Path) -> None:
    with laid_out(tmp_path / "bait") as bait:
        alone = ("unshare", "--mount", "--propagation", "private", "--")
        done = subprocess.run(
            [*alone, "perl", "-e", PROBES, *bait.arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        assert sorted(bait.taken()) == ["file", "tcp", "udp"]
    found = outcomes(done.stdout)
    assert found.keys() == NAMES
    assert {name for name, worked in found.items() if worked} >= CONTROL, done


def test_the_image_has_owners_modes_and_attributes_of_the_packages(bench: Bench) -> None:
    content = bench.base / "owned"
    folder = content / "usr/share/owned"
    folder.mkdir(parents=True)
    for name in ("setuid", "setgid", "capable"):
        (folder / name).write_text(name)
    os.chown(folder / "setgid", 1234, 60000)
    (folder / "setgid").chmod(0o2755)
    (folder / "setuid").chmod(0o4711)
    (folder / "sticky").mkdir()
    (folder / "sticky").chmod(0o1777)
    call = CALLS[os.uname().machine][3]
    value = bytes.fromhex("0100000200200000000000000000000000000000")  # CAP_NET_RAW (linux/capability.h)
    perl = f"""perl -e '($file, $name) = ("/usr/share/owned/capable", "security.capability");
        $value = pack("H*", "{value.hex()}");
        syscall({call}, $file, $name, $value, 20, 0) == 0 or die $!'"""
    deb = build_deb(bench.base, "owned", content, scripts={"postinst": f"#!/bin/sh\nset -e\n{perl}\n"}, own=True)
    bench.setup.repo.add(deb)
    bench.setup.repo.write(bench.setup.signer)
    bench.setup.edit('<package name="hello"/>', '<package name="hello"/><package name="owned"/>')
    bench.build("--type", "tbz", expect=0)
    shipped = packaged(only(bench.target, ".lock.json"), bench.command.store)
    with tarfile.open(only(bench.target, ".tar.xz")) as tar:
        found = of_tar(tar)
        headers = tar.getmember("usr/share/owned/capable").pax_headers
    ours = {name: inode for name, inode in shipped.items() if name.startswith("usr/share/owned")}
    assert {inode.mode for inode in special(ours).values()} == {0o4711, 0o2755, 0o1777}
    assert {name: found[name] for name in ours} == ours
    assert not unlike(shipped, found)
    assert headers["SCHILY.xattr.security.capability"].encode("utf-8", "surrogateescape") == value
