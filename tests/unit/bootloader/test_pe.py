# SPDX-License-Identifier: Apache-2.0
"""Sections that are added to an EFI program, as binutils reads them back."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bootloader.pe import CODE, Section, image_size, with_sections
from runner.errors import BuildError
from tests.support.pe import CODE as OWN_CODE
from tests.support.pe import efi_program

if TYPE_CHECKING:
    from pathlib import Path

ADDED = (
    Section(".osrel", b"ID=tiny\n"),
    Section(".cmdline", b"root=/dev/vda quiet"),
    Section(".linux", b"\x7f" * 5000, kind=CODE, room=20_000),
)

needs_binutils = pytest.mark.skipif(shutil.which("objcopy") is None, reason="binutils is not installed")


@needs_binutils
def test_other_tools_find_every_section(tmp_path: Path) -> None:
    path = tmp_path / "made.efi"
    path.write_bytes(with_sections(efi_program(), ADDED))
    for name, data in ((".text", OWN_CODE), *((section.name, section.data) for section in ADDED)):
        found = tmp_path / "section"
        command: list[str | Path] = ["objcopy", "-O", "binary", f"--only-section={name}", path, found]
        subprocess.run(command, check=True, capture_output=True)
        assert found.read_bytes()[: len(data)] == data
    listed = subprocess.run(["objdump", "-h", path], check=True, capture_output=True, text=True).stdout
    rows = re.findall(r"^ +\d+ (\S+) +([0-9a-f]+) +([0-9a-f]+)", listed, re.MULTILINE)
    sizes = {name: int(size, 16) for name, size, _ in rows}
    assert sizes == {".text": 512, ".osrel": 8, ".cmdline": 19, ".linux": 5120}
    assert [int(address, 16) for *_, address in rows] == [0x1000, 0x2000, 0x3000, 0x4000]


def test_the_image_has_room_for_what_a_section_becomes() -> None:
    assert image_size(efi_program(memory=0x2000)) == 0x2000
    assert image_size(with_sections(efi_program(), ADDED)) == 0x4000 + 0x5000


@given(st.lists(st.binary(max_size=3000), max_size=6))
def test_what_was_there_stays_as_it_is(contents: list[bytes]) -> None:
    program = efi_program()
    made = with_sections(program, [Section(f".s{number}", data) for number, data in enumerate(contents)])
    assert made[len(program) - len(OWN_CODE) : len(program)] == OWN_CODE
    assert len(made) % 512 == 0
    assert all(data in made for data in contents)


def test_a_header_without_room_is_told_of() -> None:
    with pytest.raises(BuildError, match=r"no room for the section \.uname"):
        with_sections(efi_program(headers_size=512), [*ADDED, Section(".uname", b"6.1")])


@pytest.mark.parametrize("program", [b"", b"MZ" * 40, efi_program()[:70]])
def test_what_is_no_program_is_told_of(program: bytes) -> None:
    with pytest.raises(BuildError, match="no EFI program"):
        with_sections(program, ADDED)
