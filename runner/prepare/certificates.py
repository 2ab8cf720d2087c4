# SPDX-License-Identifier: Apache-2.0
"""Makes the image trust the description's authorities, right after bootstrap: image packages may need them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from runner.errors import DescriptionError

if TYPE_CHECKING:
    from runner.plan.certificates import CertificatesPlan
    from runner.prepare.origin import Origin
    from runner.prepare.step import Bench

VERSION = 2


@dataclass(frozen=True, slots=True)
class _Family:
    """Where a distribution family keeps local authorities, and the program that takes them up."""

    folder: str
    program: str
    package: str


_FAMILIES = {
    "debian": _Family("/usr/local/share/ca-certificates", "update-ca-certificates", "ca-certificates"),
    "suse": _Family("/etc/pki/trust/anchors", "update-ca-certificates", "ca-certificates"),
    "redhat": _Family("/etc/pki/ca-trust/source/anchors", "update-ca-trust", "ca-certificates"),
    "archlinux": _Family("/etc/ca-certificates/trust-source/anchors", "update-ca-trust", "ca-certificates-utils"),
}
_FOLDERS = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The certificates of the plan; their files are beside the description."""

    origin: Origin
    certificates: tuple[CertificatesPlan, ...]


def run(inputs: Inputs, bench: Bench) -> None:
    """Copy the certificates and run the tree's own update program; missing files are warned of, as KIWI does.

    Where the program is not in the tree yet, its package finds the files when it is installed later.

    Raises:
        DescriptionError: a file of this machine, outside of the checkout, or no certificate.
        BuildError: the update program failed.
    """
    for group in inputs.certificates:
        family = _FAMILIES.get(group.target_distribution)
        if family is None:
            raise DescriptionError(
                f"target_distribution {group.target_distribution!r} is not known",
                where="<certificates>",
                hint=f"use one of: {', '.join(sorted(_FAMILIES))}",
            )
        targets = _file_names(group)
        copied = [_copy(name, f"{family.folder}/{targets[name]}", inputs.origin, bench) for name in group.names]
        if not any(copied):
            continue
        if any(bench.paths.exists(f"{folder}/{family.program}") for folder in _FOLDERS):
            bench.run(family.program, what="taking up the certificates")
        else:
            bench.warn(f"certificates are taken up when {family.package} is installed: nothing has it yet")


def _copy(name: str, target: str, origin: Origin, bench: Bench) -> bool:
    if name.startswith("/"):
        raise DescriptionError(
            f"the certificate {name} is a file of the building machine",
            where="<certificate>",
            why="another machine would build another image",
            hint="put it beside the description and name it relative to that",
        )
    if origin.find(name) is None:
        bench.warn(f"the certificate {name} is missing, and left out")
        return False
    content = origin.file(name).read_bytes()
    if b"PRIVATE KEY-----" in content:
        raise DescriptionError(
            f"{name} holds a private key", where="<certificate>", hint="leave only certificates in"
        )
    bench.paths.write(target, content)
    return True


def _file_names(group: CertificatesPlan) -> dict[str, str]:
    """Return what each certificate is called in the store; those of one name keep their folders."""
    last = Counter(_flat(PurePosixPath(name).name, group.target_distribution) for name in group.names)
    names = {}
    for name in group.names:
        flat = _flat(PurePosixPath(name).name, group.target_distribution)
        names[name] = flat if last[flat] == 1 else _flat(name, group.target_distribution)
    return names


def _flat(name: str, distribution: str) -> str:
    """The name without folders, and on Debian with the only ending that update-ca-certificates(8) looks at."""
    flat = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
    return f"{flat.removesuffix('.pem')}.crt" if distribution == "debian" and not flat.endswith(".crt") else flat
