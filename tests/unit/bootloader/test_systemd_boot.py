# SPDX-License-Identifier: Apache-2.0
"""What systemd-boot finds on the EFI partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.bootloader.facts import BootFacts
from runner.bootloader.install import write_menu
from runner.bootloader.systemd_boot import install
from runner.disk.identity import identify
from runner.disk.split import PartedTree
from runner.errors import BuildError
from runner.initrd.kernel import Kernel
from runner.plan.boot import BootloaderPlan, BootPlan
from runner.plan.disk import DiskPlan
from runner.plan.partitions import PartitionPlan
from runner.seed import Seed
from tests.support.pe import efi_program

if TYPE_CHECKING:
    from pathlib import Path

KERNELS = tuple(
    Kernel(version=version, image=f"/boot/vmlinuz-{version}", initrd=f"/boot/initrd.img-{version}")
    for version in ("6.12", "6.9")
)
HASH = "0123456789abcdef" * 4


def facts(*, filesystem: str = "ext4", **more: object) -> BootFacts:
    root = PartitionPlan(role="root", name="root", partition_name="r", filesystem=filesystem, mountpoint="/")
    loader = BootloaderPlan(name="systemd_boot", title="A tiny system", timeout_seconds=3)
    given = {
        "identity": identify(DiskPlan(table="gpt", partitions=(root,)), arch="x86_64", seed=Seed(bytes(32))),
        "boot": BootPlan(firmware="efi", cmdline="quiet", loader=loader),
        "arch": "x86_64",
        "kernels": KERNELS,
    }
    return BootFacts(**{**given, **more})  # type: ignore[arg-type]  # each is of its field's type


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"etc/os-release": b'PRETTY_NAME="Tiny 1"\nID=tiny\nVERSION_ID=1\n'}
    for name in ("systemd-bootx64.efi", "linuxx64.efi.stub"):
        files[f"usr/lib/systemd/boot/efi/{name}"] = efi_program()
    for kernel in KERNELS:
        files[kernel.image] = efi_program() + kernel.version.encode()
        files[kernel.initrd] = b"initrd of " + kernel.version.encode()
    for name, content in files.items():
        path = tmp_path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def test_the_firmware_finds_it_and_it_waits_as_planned(root: Path) -> None:
    install(root, facts())
    for name in ("BOOT/BOOTX64.EFI", "systemd/systemd-bootx64.efi"):
        assert (root / "boot/efi/EFI" / name).read_bytes() == efi_program()
    assert (root / "boot/efi/loader/loader.conf").read_text() == "timeout 3\n"


def test_a_hidden_menu(root: Path) -> None:
    loader = BootloaderPlan(name="systemd_boot", timeout_style="hidden")
    install(root, facts(boot=BootPlan(loader=loader)))
    assert (root / "boot/efi/loader/loader.conf").read_text() == "timeout menu-hidden\n"


def test_an_entry_for_each_kernel(root: Path) -> None:
    write_menu(PartedTree({"/": root}), facts())
    esp = root / "boot/efi"
    uuid = facts().identity.partitions[0].filesystem_uuid
    assert (esp / "loader/entries/tiny-6.12.conf").read_text() == (
        "title A tiny system\nversion 6.12\nsort-key tiny\nlinux /tiny/6.12/linux\n"
        f"initrd /tiny/6.12/initrd.img\noptions root=UUID={uuid} ro quiet\n"
    )
    assert (esp / "tiny/6.9/initrd.img").read_bytes() == b"initrd of 6.9"
    assert not (esp / "EFI").exists()


def test_no_initrd(root: Path) -> None:
    write_menu(PartedTree({"/": root}), facts(has_initrd=False))
    assert "initrd" not in (root / "boot/efi/loader/entries/tiny-6.12.conf").read_text()


def test_unified_kernels_in_a_partition_of_their_own(root: Path, tmp_path: Path) -> None:
    esp = tmp_path / "esp"
    write_menu(PartedTree({"/": root, "/boot/efi": esp}), facts(unified=True))
    assert sorted(path.name for path in esp.rglob("*.efi")) == ["tiny-6.12.efi", "tiny-6.9.efi"]
    program = (esp / "EFI/Linux/tiny-6.12.efi").read_bytes()
    assert b"PRETTY_NAME='A tiny system'\nID=tiny\nVERSION_ID=1\n" in program
    for part in (b"initrd of 6.12", b" ro quiet\0", efi_program() + b"6.12"):
        assert part in program


def test_the_kernel_is_told_the_root_hash_and_where_that_counts() -> None:
    assert facts(root_hash=HASH).cmdline == f"root=/dev/mapper/root ro quiet roothash={HASH}"


def test_a_root_without_names_goes_by_its_partition() -> None:
    found = facts(filesystem="squashfs")
    assert found.cmdline.startswith(f"root=PARTUUID={found.identity.partitions[0].uuid} ro")


def test_what_is_not_in_the_image_is_told_with_its_package(root: Path) -> None:
    for path in (root / "usr/lib/systemd/boot/efi").iterdir():
        path.unlink()
    with pytest.raises(BuildError, match="no systemd-boot") as first:
        install(root, facts())
    with pytest.raises(BuildError, match=r"linuxx64\.efi\.stub") as second:
        write_menu(PartedTree({"/": root}), facts(unified=True))
    assert first.value.hint == second.value.hint == "add the package systemd-boot-efi"


def test_a_kernel_that_is_a_link_is_not_followed(root: Path) -> None:
    kernel = root / "boot/vmlinuz-6.12"
    kernel.unlink()
    kernel.symlink_to("/etc/hostname")
    with pytest.raises(BuildError, match="no file /boot/vmlinuz"):
        write_menu(PartedTree({"/": root}), facts())


def test_an_architecture_without_efi(root: Path) -> None:
    with pytest.raises(BuildError, match="s390x is not known"):
        install(root, facts(arch="s390x"))
