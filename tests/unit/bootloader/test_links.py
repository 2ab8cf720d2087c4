# SPDX-License-Identifier: Apache-2.0
"""Links of a tree lead nowhere but into it, whatever we write or read on the way to a disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.bootloader import grub
from runner.bootloader.facts import BootFacts
from runner.bootloader.systemd_boot import install as install_systemd_boot
from runner.create.disk_scripts import DiskScript
from runner.create.inputs import CreateInputs
from runner.create.oem import _write_fstab
from runner.disk.identity import identify
from runner.disk.model import DiskLayout, Extent
from runner.disk.split import PartedTree
from runner.firstboot.growth import install_growth
from runner.firstboot.host_keys import install_host_keys
from runner.initrd.compress import reads_zstd
from runner.initrd.initramfs_tools import configure
from runner.initrd.kernel import find_kernels
from runner.plan.boot import BootloaderPlan, BootPlan
from runner.plan.disk import DiskPlan
from runner.plan.initrd import InitrdAction, InitrdPlan
from runner.plan.model import TypePlan
from runner.plan.oem import ResizePlan
from runner.plan.partitions import PartitionPlan
from runner.prepare.step import Bench
from runner.seed import Seed

if TYPE_CHECKING:
    from runner.process import Completed
    from runner.sandbox.api import Command

GRUB = "grub/x86_64-efi-signed/grubx64.efi.signed"


class Mkimage:
    """Writes what grub-mkimage would, with links followed as in the tree."""

    mode = "chroot"

    def run(self, command: Command, **_: object) -> Completed:
        place = command.argv[command.argv.index("-o") + 1]
        Bench(command.root, 0, self).paths.write(place, b"core")  # type: ignore[arg-type]
        return None  # type: ignore[return-value]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of this machine with a file that nobody may read or change."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("ID=debian\n")
    return folder


@pytest.fixture
def root(tmp_path: Path, outside: Path) -> Path:
    tree = tmp_path / "tree"
    files = {
        "boot/vmlinuz-6.12": "kernel",
        "usr/lib/modules/6.12/modules.dep": "",
        "usr/lib/grub/i386-pc/boot.img": "boot",
        "usr/lib/grub/i386-pc/echo.mod": "echo",
        "usr/lib/systemd/boot/efi/systemd-bootx64.efi": "systemd-boot",
        "etc/debian_version": "13",
    }
    for name in ("usr/lib/systemd/systemd-growfs", "usr/sbin/sshd", "usr/bin/ssh-keygen", "usr/sbin/sfdisk"):
        files[name] = ""
    files |= {"usr/bin/partx": "", "usr/bin/findmnt": ""}
    for name, content in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(content)
    links = {
        "etc/default/grub": outside / "new",
        "etc/fstab": outside / "x",
        "etc/os-release": outside / "secret",
        "boot/grub": outside,
        "boot/efi": outside,
        "boot/config-6.12": outside / "secret",
        "usr/lib/systemd/system": outside,
        "usr/lib/packhouse": outside,
        "usr/share/initramfs-tools": outside,
    }
    for name, target in links.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).symlink_to(target)
    return tree


@pytest.fixture(autouse=True)
def untouched(outside: Path) -> object:
    """Check after each test that nothing came into the folder."""
    yield
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_text() == "ID=debian\n"


def inside(root: Path, outside: Path, name: str = "") -> Path:
    """Return where the tree's own system would find the file ``name`` of the folder."""
    return root / str(outside / name).lstrip("/")


def facts(name: str, firmware: str) -> BootFacts:
    part = PartitionPlan(role="root", name="root", partition_name="r", filesystem="ext4", mountpoint="/")
    return BootFacts(
        identity=identify(DiskPlan(table="msdos", partitions=(part,)), arch="x86_64", seed=Seed(bytes(32))),
        boot=BootPlan(firmware=firmware, loader=BootloaderPlan(name=name)),
        arch="x86_64",
        kernels=(),
    )


def test_grub(root: Path, outside: Path) -> None:
    bench = Bench(root, 0, Mkimage())  # type: ignore[arg-type]
    found = facts("grub2", "bios")
    assert grub.install(bench, found) == ("i386-pc",)
    grub.write_menu(PartedTree({"/": root}), found)
    assert (inside(root, outside) / "i386-pc/boot.img").read_text() == "boot"
    assert (inside(root, outside) / "i386-pc/core.img").read_bytes() == b"core"
    assert (inside(root, outside) / "grub.cfg").exists()
    assert (inside(root, outside, "new")).read_text().startswith("GRUB_DEFAULT=")
    assert not (root / "boot/.packhouse-early.cfg").exists()


def test_the_names_in_os_release_are_those_of_the_tree(root: Path, outside: Path) -> None:
    grub._stub(Bench(root, 0, Mkimage()).paths, facts("grub2", "efi"))  # type: ignore[arg-type]
    assert not (inside(root, outside) / "EFI").exists()


def test_a_stub_for_the_distribution_that_grub_is_of(root: Path, outside: Path) -> None:
    (root / "etc/os-release").unlink()
    (root / "etc/os-release").write_text('NAME="no debian"\nID=linuxmint\nID_LIKE="ubuntu ../x"\n')
    grub._stub(Bench(root, 0, Mkimage()).paths, facts("grub2", "efi"))  # type: ignore[arg-type]
    made = sorted((inside(root, outside) / "EFI").rglob("*.cfg"))
    assert [path.parent.name for path in made] == ["linuxmint", "ubuntu"]


UBUNTU = "shimx64.efi.signed.latest"


@pytest.mark.parametrize(
    ("shim", "helper", "link"),
    [
        ("shimx64.efi.signed", "mmx64.efi.signed", ""),
        (UBUNTU, "mmx64.efi", f"/etc/alternatives/../../usr/lib/shim/{UBUNTU}"),
        (UBUNTU, "mmx64.efi", "/etc/alternatives/gone"),
        (UBUNTU, "mmx64.efi", ""),
    ],
)
def test_the_signed_programs_of_debian_and_of_ubuntu(
    root: Path, outside: Path, shim: str, helper: str, link: str
) -> None:
    for name, content in {f"shim/{shim}": "shim", f"shim/{helper}": "mm", GRUB: "grub"}.items():
        (root / "usr/lib" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "usr/lib" / name).write_text(content)
    if link:
        (root / "usr/lib/shim/shimx64.efi.signed").symlink_to(link)
    grub._signed(Bench(root, 0, Mkimage()).paths)  # type: ignore[arg-type]
    found = {path.name: path.read_text() for path in (inside(root, outside) / "EFI/BOOT").iterdir()}
    assert found == {"BOOTX64.EFI": "shim", "mmx64.efi": "mm", "grubx64.efi": "grub"}


def test_systemd_boot(root: Path, outside: Path) -> None:
    install_systemd_boot(root, facts("systemd_boot", "efi"))
    assert (inside(root, outside) / "EFI/BOOT/BOOTX64.EFI").read_text() == "systemd-boot"
    assert (inside(root, outside) / "loader/loader.conf").exists()


def test_scripts_around_a_disk(root: Path, outside: Path, tmp_path: Path) -> None:
    plan = TypePlan(image="oem", edit_boot_install="x")
    inputs = CreateInputs(stem="x", type=plan, arch="x86_64", epoch=0, seed="00" * 32)
    script = DiskScript(Bench(root, 0, Mkimage()), inputs, tmp_path / "kept")  # type: ignore[arg-type]
    (root / ".profile").write_text("of the build")
    (root / ".kconfig").symlink_to("/gone")
    script.keep()
    (root / ".profile").unlink()
    (root / ".profile").symlink_to(outside / "secret")
    (root / ".kconfig").unlink()
    (root / ".kconfig").symlink_to(outside)
    place = Extent(partition=facts("grub2", "bios").identity.partitions[0], offset=0, size=1)
    identity = facts("grub2", "bios").identity
    script.run(tmp_path / "disk", DiskLayout(identity=identity, size=1, extents=(place,)), {"/": root})
    assert (root / ".profile").read_text() == "of the build"
    assert (root / ".kconfig").readlink() == Path("/gone")


def test_units_of_the_first_start(root: Path, outside: Path) -> None:
    assert install_growth(root, facts("grub2", "bios").identity, ResizePlan(at_boot=True)) == "sfdisk"
    assert install_host_keys(root)
    script, unit = (inside(root, outside, name) for name in ("grow-root", "packhouse-grow-root.service"))
    assert (script.stat().st_mode & 0o777, unit.stat().st_mode & 0o777) == (0o755, 0o644)
    wanted = inside(root, outside, "multi-user.target.wants/packhouse-ssh-host-keys.service")
    assert str(wanted.readlink()) == "../packhouse-ssh-host-keys.service"


def test_fstab_replaces_a_link(root: Path) -> None:
    _write_fstab(root, "line\n")
    assert (root / "etc/fstab").read_text() == "line\n"
    assert not (root / "etc/fstab").is_symlink()


def test_kernels_and_initrds(root: Path, outside: Path) -> None:
    (outside / "secret").write_text("CONFIG_RD_ZSTD=y\n")
    assert not reads_zstd(root, "6.12")
    (outside / "secret").write_text("ID=debian\n")
    configure(root, InitrdPlan(system="dracut", actions=(InitrdAction(action="add", drivers=("nvme",)),)))
    assert inside(root, outside, "modules.d/packhouse").read_text() == "nvme\n"
    (root / "boot/vmlinuz-6.13").symlink_to(outside / "secret")
    (root / "usr/lib/modules/6.13").mkdir()
    assert [kernel.version for kernel in find_kernels(root)] == ["6.12"]
