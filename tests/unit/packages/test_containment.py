# SPDX-License-Identifier: Apache-2.0
"""Package files that would write outside the tree while they are laid out are refused."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from runner.errors import BuildError
from runner.packages.apt.containment import check_contained

if TYPE_CHECKING:
    from pathlib import Path


def deb(path: Path, *members: tuple[str, str]) -> Path:
    """A package whose data tarball has ``members``: name and link target, an empty target for a file."""

    def tar(entries: list[tuple[str, str]]) -> bytes:
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w") as archive:
            for name, target in entries:
                info = tarfile.TarInfo(name)
                info.type, info.linkname = (tarfile.SYMTYPE, target) if target else (tarfile.REGTYPE, "")
                archive.addfile(info)
        return sink.getvalue()

    control = io.BytesIO()
    with tarfile.open(fileobj=control, mode="w") as archive:
        info = tarfile.TarInfo("./control")
        info.size = len(b"Package: x\n")
        archive.addfile(info, io.BytesIO(b"Package: x\n"))
    parts = {"debian-binary": b"2.0\n", "control.tar": control.getvalue(), "data.tar": tar(list(members))}
    body = b"!<arch>\n"
    for name, data in parts.items():
        body += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
            + data
            + b"\n" * (len(data) % 2)
        )
    path.write_bytes(body)
    return path


def test_ordinary_packages_pass(tmp_path: Path) -> None:
    one = deb(tmp_path / "one.deb", ("./usr/bin/a", ""), ("./usr/bin/b", "/etc/alternatives/b"))
    two = deb(tmp_path / "two.deb", ("./lib/x86/ld.so", ""), ("./lib/y", "../usr/z"))
    check_contained([one, two], {"lib": "usr/lib", "bin": "usr/bin"})


@pytest.mark.parametrize("target", ["/etc", "../../etc", "usr/link", "."])
def test_a_file_behind_a_link_is_refused_even_from_another_package(tmp_path: Path, target: str) -> None:
    one = deb(tmp_path / "one.deb", ("./usr/link", "/etc"), ("./opt", target))
    two = deb(tmp_path / "two.deb", ("./opt/passwd", ""))
    if target == ".":
        check_contained([two, one], {})
        return
    with pytest.raises(BuildError, match="opt/passwd"):
        check_contained([two, one], {})


@pytest.mark.parametrize("name", ["/etc/x", "./../x", "usr/../../x"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BuildError, match="cannot be unpacked"):
        check_contained([deb(tmp_path / "x.deb", (name, ""))], {})
