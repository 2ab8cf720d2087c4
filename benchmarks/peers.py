# SPDX-License-Identifier: Apache-2.0
"""The tools we are compared with: what they need on this machine, and how they are asked for the same system."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.packages.mirrors import Mirrors

SUITE = "bookworm"
PACKAGES = ("apt", "iproute2", "vim-tiny")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_REPOSITORIES = (("mirror://debian", SUITE), ("mirror://debian-security", f"{SUITE}-security"))
_MMDEBSTRAP_NEEDS = (("mmdebstrap", "mmdebstrap"),)
_KIWI_NEEDS = (("rsync", "rsync"), ("apt-get", "apt"), ("unshare", "util-linux"))
_KIWI_DISK_NEEDS = (("parted", "parted"), ("sgdisk", "gdisk"), ("sfdisk", "fdisk"), ("qemu-img", "qemu-utils"))
_STATUS_KIWI = Path("/var/lib/dpkg/status.kiwi")
_MERGED_USR = Path("/usr/share/mmdebstrap/hooks/merged-usr")


class MissingError(Exception):
    """A tool is not on this machine; the text says how to get it."""


@dataclass(frozen=True, slots=True)
class Mmdebstrap:
    """mmdebstrap(1) into a directory, from the mirrors that we use, with no cache of its own."""

    mirrors: Mirrors

    def check(self) -> None:
        for program, package in _MMDEBSTRAP_NEEDS:
            _need(program, package)

    def argv(self, root: Path, *, same_set: bool) -> list[str]:
        """With ``same_set`` the folders are merged by a hook, which spares usrmerge and the perl it needs."""
        extra = ["usr-is-merged"] if same_set else []
        hook = [f"--hook-dir={_MERGED_USR}"] if same_set else []
        sources = [f"deb {self.mirrors.resolve(uri)} {suite} main" for uri, suite in _REPOSITORIES]
        include = ",".join([*PACKAGES, *extra])
        return ["mmdebstrap", "--variant=essential", f"--include={include}", *hook, SUITE, str(root), *sources]


@dataclass(frozen=True, slots=True)
class Kiwi:
    """KIWI NG of the Python package index, in an environment of its own."""

    place: Path
    mirrors: Mirrors

    @property
    def program(self) -> Path:
        return self.place / "bin" / "kiwi-ng"

    def check(self, image: str) -> None:
        """Install KIWI when it is not there yet.

        Args:
            image: the type to be built.

        Raises:
            MissingError: one of the machine's tools that it calls is not there.
        """
        if os.geteuid() != 0:
            raise MissingError("KIWI must run as root")
        for program, package in (*_KIWI_NEEDS, *(_KIWI_DISK_NEEDS if image == "oem" else ())):
            _need(program, package)
        if not self.program.exists():
            venv.create(self.place, with_pip=True, clear=True)
            pip = [str(self.place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "kiwi"]
            subprocess.run(pip, check=True, timeout=600)

    def describe(self, description: Path, target: Path) -> None:
        """Copy ``description`` to ``target`` with the mirrors' real addresses, which KIWI needs."""
        shutil.copytree(description, target)
        for file in target.glob("*.kiwi"):
            text = file.read_text()
            for uri, _ in sorted(_REPOSITORIES, reverse=True):  # the longer name first
                text = text.replace(f'"{uri}"', f'"{self.mirrors.resolve(uri)}"')
            file.write_text(text)

    def argv(self, description: Path, target: Path, cache: Path, image: str) -> list[str]:
        """KIWI mounts the machine's /proc, /sys and /dev into its tree: nobody else shall see those mounts."""
        own_mounts = ["unshare", "--mount", "--propagation", "private"]
        options = ["--shared-cache-dir", str(cache), "--type", image]
        places = ["--description", str(description), "--target-dir", str(target), "--signing-key", KEYRING]
        return [*own_mounts, str(self.program), *options, "system", "build", *places]

    @staticmethod
    def clean() -> None:
        """Remove the empty file that KIWI leaves in the machine's package database."""
        if _STATUS_KIWI.exists() and _STATUS_KIWI.stat().st_size == 0:
            _STATUS_KIWI.unlink()


def packages() -> set[str]:
    """The Debian packages that the tools need."""
    return {package for _, package in (*_MMDEBSTRAP_NEEDS, *_KIWI_NEEDS, *_KIWI_DISK_NEEDS)}


def versions(kiwi: Kiwi) -> Iterator[tuple[str, str]]:
    """Names and versions of the tools that take part."""
    commands = {
        "mmdebstrap": ["mmdebstrap", "--version"],
        "KIWI": [str(kiwi.program), "--version"],
        "apt": ["apt-get", "--version"],
        "dpkg": ["dpkg", "--version"],
        "xz": ["xz", "--version"],
        "bubblewrap": ["bwrap", "--version"],
    }
    for name, argv in commands.items():
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            continue
        words = done.stdout.split("\n", 1)[0].split()
        number = next((word for word in words if word[0].isdigit()), "")
        yield name, number.rstrip(".,")


def _need(program: str, package: str) -> None:
    if shutil.which(program) is None:
        raise MissingError(f"{program} ({package}) is not installed: run scripts/system-packages.sh --bench")
