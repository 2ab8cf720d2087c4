# SPDX-License-Identifier: Apache-2.0
"""An initrd from the store equals one made anew, whatever the generator reads: this one takes all that it sees."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runner.create import strip
from runner.errors import BuildError
from runner.initrd.kept import install_initrds
from runner.initrd.kernel import Kernel
from runner.initrd.seen import look
from runner.plan.initrd import InitrdAction, InitrdPlan
from runner.prepare.step import Bench
from tests.support import tree
from tests.support.workshop import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    Change = Callable[[Path], object]

pytestmark = [pytest.mark.integration, pytest.mark.root]

EPOCH = 1_700_000_000
OLD = 1_500_000_000
KERNEL = Kernel(version="1", image="/boot/vmlinuz-1", initrd="/boot/initrd.img-1")
PLAN = InitrdPlan(system="dracut")

_GREEDY = """\
#!/bin/sh
set -e
tar --create --sort=name --one-file-system --xattrs --format=posix --file="$2" --directory=/ \
    --pax-option=delete=atime,delete=ctime,exthdr.name=x --exclude=./boot --exclude=./dev --exclude=./proc .
echo "$3 $SOURCE_DATE_EPOCH" >>"$2"
echo trace >/var/trace
echo trace >>/etc/hosts
rm /etc/fstab
"""
"""Called as ``mkinitramfs -o FILE VERSION``."""

_FILES = {
    ".profile": "kiwi_iname=test",
    "etc/fstab": "/dev/sda1 / ext4",
    "etc/hosts": "127.0.0.1 localhost",
    "etc/initramfs-tools/initramfs.conf": "# from /opt\nMODULES=most",
    "etc/motd": "hello",
    "home/user/note": "mine",
    "image/plan.json": "a plan",
    "opt/app/program": "1",
    "srv/www": "2",
    "usr/lib/modules/1/kernel.ko": "module",
    "usr/share/keymaps/de": "y",
}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tree.build(tmp_path_factory.mktemp("initrd") / "tree", ("sh", "rm", "tar"))
    for name in ("boot", "dev", "proc", "run", "sys", "var"):
        (root / name).mkdir()
    (root / "bin/mkinitramfs").write_text(_GREEDY)
    (root / "bin/mkinitramfs").chmod(0o755)
    for name, text in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    (root / "etc/linked").hardlink_to(root / "etc/hosts")
    (root / "etc/picture").symlink_to("/image/plan.json")
    for path in (*root.rglob("*"), root):
        os.utime(path, (OLD, OLD), follow_symlinks=False)
    return root


def copy(pristine: Path, root: Path) -> Path:
    subprocess.run(["cp", "--archive", pristine, root], check=True)
    return root


def install(root: Path, shelf: Shelf, kernel: Kernel = KERNEL, plan: InitrdPlan = PLAN, epoch: int = EPOCH) -> str:
    """Install the initrd, and return what the tree is like afterwards."""
    workshop = shelf.workshop()
    bench = Bench(root=root, epoch=epoch, sandbox=workshop.sandbox)
    install_initrds(bench, [kernel], plan, workshop)
    return look(root, epoch).digest


def write(name: str, text: str, root: Path) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def relink(root: Path) -> None:
    (root / "etc/linked").unlink()
    shutil.copy2(root / "etc/hosts", root / "etc/linked")


_OTHER = 1_600_000_000

COUNTS: dict[str, Change] = {
    "content": partial(write, "usr/share/keymaps/de", "z\n"),
    "crypttab": partial(write, "etc/crypttab", "x"),
    "fstab": partial(write, "etc/fstab", "/dev/sda2 / ext4\n"),
    "generator": partial(write, "etc/initramfs-tools/initramfs.conf", "MODULES=dep\n"),
    "modprobe": partial(write, "etc/modprobe.d/a.conf", "blacklist a"),
    "a hook that names a private place": partial(
        write, "etc/initramfs-tools/hooks/a", "copy_exec /opt/app/program"
    ),
    "a link to a private place": lambda root: (root / "usr/program").symlink_to("../opt/app/program"),
    "an empty folder": lambda root: (root / "usr/lib/firmware").mkdir(),
    "a name less": lambda root: (root / "usr/share/keymaps/de").unlink(),
    "a folder's mode": lambda root: (root / "usr/share").chmod(0o700),
    "the top's mode": lambda root: root.chmod(0o700),
    "mode": lambda root: (root / "usr/share/keymaps/de").chmod(0o600),
    "owner": lambda root: os.chown(root / "usr/share/keymaps/de", 1, 0),
    "group": lambda root: os.chown(root / "usr/share/keymaps/de", 0, 1),
    "time": lambda root: os.utime(root / "usr/share/keymaps/de", (_OTHER, _OTHER)),
    "attribute": lambda root: os.setxattr(root / "usr/share/keymaps/de", "user.a", b"1"),
    "fewer links": relink,
    "a pipe": lambda root: os.mkfifo(root / "usr/pipe"),
}
COUNTS_NOT: dict[str, Change] = {
    "motd": partial(write, "etc/motd", "bye\n"),
    "no motd": lambda root: strip.remove(root / "etc/motd"),
    "home": partial(write, "home/user/new/note", "mine"),
    "opt": lambda root: shutil.rmtree(root / "opt/app"),
    "the build's own": partial(write, "image/plan.json", "another plan\n"),
    "the build's variables": partial(write, ".profile", "kiwi_iname=other\n"),
    "srv": lambda root: (root / "srv/www").chmod(0o600),
}


@pytest.mark.parametrize("name", [*COUNTS, *COUNTS_NOT])
def test_a_change_counts_or_cannot_be_seen(name: str, pristine: Path, tmp_path: Path) -> None:
    change = COUNTS.get(name) or COUNTS_NOT[name]
    shelf = Shelf(tmp_path / "shelf")
    install(copy(pristine, tmp_path / "before"), shelf)
    trees = [copy(pristine, tmp_path / name) for name in ("warm", "cold")]
    for root in trees:
        change(root)
    warm, cold = trees
    assert install(warm, shelf) == install(cold, Shelf(tmp_path / "empty"))
    initrd = (warm / "boot/initrd.img-1").read_bytes()
    assert initrd == (cold / "boot/initrd.img-1").read_bytes()
    assert (initrd != (tmp_path / "before/boot/initrd.img-1").read_bytes()) == (name in COUNTS)
    assert len(shelf.made) == (2 if name in COUNTS else 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"epoch": EPOCH + 1},
        {"plan": InitrdPlan(system="dracut", profile="other")},
        *(
            {"kernel": msgspec.structs.replace(KERNEL, **{name: "/boot/2"})}
            for name in ("version", "image", "initrd")
        ),
    ],
)
def test_every_other_input_counts(changed: dict[str, Any], pristine: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    for number, inputs in enumerate(({}, changed, {}, changed)):
        install(copy(pristine, tmp_path / f"tree{number}"), shelf, **inputs)
    assert len(shelf.made) == 2


def test_a_copied_tree_gives_what_a_layered_one_gives(pristine: Path, tmp_path: Path) -> None:
    layered, copied = copy(pristine, tmp_path / "layered"), copy(pristine, tmp_path / "copied")
    assert install(layered, Shelf(tmp_path / "one")) == install(copied, Shelf(tmp_path / "two", layered=False))
    assert (layered / "boot/initrd.img-1").read_bytes() == (copied / "boot/initrd.img-1").read_bytes()


def test_the_clock_is_not_seen(pristine: Path, tmp_path: Path) -> None:
    """What this build wrote has the time of now."""
    made: list[bytes] = []
    for name in ("one", "two"):
        root = copy(pristine, tmp_path / name)
        write("etc/new", "file", root)
        os.utime(root / "etc/new", (EPOCH + len(name) + len(made), EPOCH + len(made)))
        install(root, Shelf(tmp_path / f"shelf-{name}"))
        made.append((root / "boot/initrd.img-1").read_bytes())
    assert made[0] == made[1]


def test_a_generator_leaves_an_initrd_and_nothing_else(pristine: Path, tmp_path: Path) -> None:
    root = copy(pristine, tmp_path / "tree")
    (root / "boot/initrd.img-1").write_text("a package's own")
    install(root, Shelf(tmp_path / "shelf"))
    assert (root / "boot/initrd.img-1").stat().st_mode & 0o777 == 0o600
    (root / "boot/initrd.img-1").unlink()
    os.utime(root / "boot", (OLD, OLD))
    assert look(root, EPOCH) == look(pristine, EPOCH)


def test_drivers_stay_in_the_image(pristine: Path, tmp_path: Path) -> None:
    root, shelf = copy(pristine, tmp_path / "tree"), Shelf(tmp_path / "shelf")
    install(root, shelf, plan=_drivers("add", "a", "b"))
    assert (root / "usr/share/initramfs-tools/modules.d/packhouse").read_text() == "a\nb\n"
    with pytest.raises(BuildError, match="cannot do"):
        install(root, shelf, plan=_drivers("omit", "a"))


def _drivers(action: str, *names: str) -> InitrdPlan:
    return InitrdPlan(system="dracut", actions=(InitrdAction(action=action, drivers=names),))


def test_a_generator_that_fails_is_named_and_keeps_nothing(pristine: Path, tmp_path: Path) -> None:
    root, shelf = copy(pristine, tmp_path / "tree"), Shelf(tmp_path / "shelf")
    write("bin/mkinitramfs", "#!/bin/sh\necho no room >&2\nexit 3\n", root)
    with pytest.raises(BuildError, match="mkinitramfs for kernel 1 failed with exit code 3") as caught:
        install(root, shelf)
    assert "no room" in caught.value.log_tail
    assert shelf.made == []
    assert str(shelf.folder.parent) not in Path("/proc/self/mounts").read_text()
