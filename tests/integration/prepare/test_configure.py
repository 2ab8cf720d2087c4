# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import stat
import tarfile
import time
from typing import TYPE_CHECKING

import pytest

from runner import prepare
from runner.errors import BuildError, LimitError
from runner.packages.lock import Lock, Solver
from runner.plan.model import (
    ArchivePlan,
    DescriptionRef,
    FilePlan,
    GroupPlan,
    ImageIdentity,
    PackageRequest,
    Plan,
    Settings,
    TypePlan,
    UserPlan,
)
from runner.prepare import Bench, ConfigureInputs
from runner.prepare.accounts import entries
from runner.process import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeBench = Callable[[Path, list[str]], Bench]

pytestmark = [
    pytest.mark.integration,
    pytest.mark.network,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs real root"),
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed"),
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="mmdebstrap is not installed"),
]

HASH = "$6$abcdefgh$" + "x" * 86
CONFIG = """\
test -f /.kconfig && . /.kconfig
test -f /.profile && . /.profile
set -e
echo "kiwi_iname=$kiwi_iname pwd=$PWD" > /etc/from-config
env | sort > /etc/environment-seen
baseSetRunlevel 3
baseUpdateSysConfig /etc/overlaid KEY "new value"
baseSetupBuildDay
ln -sfn nowhere /opt/dangling
echo random > /tmp/left-behind
date > /var/log/alternatives.log
"""


def plan(**fields: object) -> Plan:
    values: dict[str, object] = {
        "image": ImageIdentity(name="test", version="1.0.0", id="42"),
        "arch": "x86_64",
        "profiles": ("Extra",),
        "type": TypePlan(image="tbz"),
        "packages": PackageRequest(manager="apt", arch="x86_64", repositories=()),
        "environment": {"kiwi_iname": "it's $HOME", "kiwi_align": "1048576"},
        "description": DescriptionRef(kiwi_file="config.xml", digest="0" * 64),
        **fields,
    }
    return Plan(**values)  # type: ignore[arg-type]


def inputs(description: Path, **fields: object) -> ConfigureInputs:
    lock = Lock(
        request="0" * 64,
        description="0" * 64,
        arch="x86_64",
        epoch=1,
        solver=Solver(name="apt", version="2.6", recommends=False),
        toolchain=(),
        repositories=(),
        packages=(),
    )
    return ConfigureInputs(plan=plan(**fields), lock=lock, description=description, description_text="<image/>")


def script(description: Path, name: str, text: str, mode: int = 0o644) -> None:
    (description / name).write_text(text)
    (description / name).chmod(mode)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> ConfigureInputs:
    """A description that uses every step."""
    description = tmp_path_factory.mktemp("full")
    script(description, "config.sh", CONFIG)
    for name, text in (
        ("root/etc/overlaid", "KEY=old\n"),
        ("root/lib/systemd/system/mine.service", "[Unit]\n"),
        ("root/home/ann/notes", "hers\n"),
        ("Extra/etc/profiled", "extra\n"),
        ("secret.conf", "s\n"),
    ):
        path = description / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with tarfile.open(description / "data.tar.xz", "w:xz") as archive:
        info = tarfile.TarInfo("data/owned")
        info.uid, info.gid, info.mode, info.mtime = 1234, 4321, 0o4755, 1_000_000
        archive.addfile(info)
    return inputs(
        description,
        archives=(ArchivePlan(name="data.tar.xz", target_dir="/srv"),),
        files=(
            FilePlan(name="secret.conf", target="/etc/secret.conf", owner="ann:staff2", permissions="u=rw,g=r,o="),
        ),
        users=(
            UserPlan(  # noqa: S604 - a login shell
                name="ann",
                password=HASH,
                groups=(GroupPlan(name="staff2", gid=1500), GroupPlan(name="games")),
                home="/home/ann",
                shell="/bin/sh",
                uid=1700,
                realname="Ann Example",
            ),
            UserPlan(name="root", password=HASH, home="/root"),
            UserPlan(name="bob", password="!"),
        ),
        settings=Settings(locale="C.UTF-8", keytable="us", timezone="UTC"),
        uninstall=("mawk-none", "hello"),
        delete=("gpgv",),
    )


@dataclasses.dataclass(frozen=True)
class Built:
    """The tree of the full description, only read, and what was said while it was made."""

    bench: Bench
    phases: list[str]
    lines: list[str]


@pytest.fixture(scope="module")
def built(full: ConfigureInputs, make_bench: MakeBench, tmp_path_factory: pytest.TempPathFactory) -> Built:
    lines: list[str] = []
    phases: list[str] = []
    bench = make_bench(tmp_path_factory.mktemp("built") / "tree", lines)
    prepare.configure(full, bench, phases.append)
    return Built(bench, phases, lines)


def manifest(root: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(folder, name)  # noqa: PTH118
            info = os.lstat(path)
            if stat.S_ISREG(info.st_mode):
                with open(path, "rb") as stream:  # noqa: PTH123
                    content = hashlib.file_digest(stream, "sha256").hexdigest()
            else:
                content = os.readlink(path) if stat.S_ISLNK(info.st_mode) else ""  # noqa: PTH115
            names = os.listxattr(path, follow_symlinks=False)
            xattrs = [(key, os.getxattr(path, key, follow_symlinks=False)) for key in names]
            facts = (info.st_mode, info.st_uid, info.st_gid, info.st_mtime_ns, content, xattrs)
            found[os.path.relpath(path, root)] = facts
    return found


def test_every_step_leaves_its_mark(built: Built) -> None:
    bench, root = built.bench, built.bench.root
    assert built.phases == [
        "description", "archive data.tar.xz", "profile", "overlay", "accounts", "settings", "file secret.conf",
        "config.sh", "deletes", "normalise",
    ]  # fmt: skip
    assert (root / "etc/from-config").read_text() == "kiwi_iname=it's $HOME pwd=/\n"
    assert (root / "etc/overlaid").read_text() == 'KEY="new value"\n'
    assert (root / "etc/profiled").read_text() == "extra\n"
    assert (root / "usr/lib/systemd/system/mine.service").exists()
    assert (root / "lib").is_symlink()
    owned = (root / "srv/data/owned").stat()
    assert (owned.st_uid, owned.st_gid, owned.st_mode & 0o7777, owned.st_mtime) == (1234, 4321, 0o4755, 1_000_000)
    secret = (root / "etc/secret.conf").stat()
    assert (secret.st_uid, secret.st_gid, secret.st_mode & 0o7777) == (1700, 1500, 0o640)
    assert (root / "etc/ImageID").read_text() == "42\n"
    assert (root / "build_day").read_text() == "build_day=20250615\n"
    assert list((root / "tmp").iterdir()) == []
    assert not (root / "var/log/alternatives.log").exists()
    assert not (root / "usr/bin/gpgv").exists()
    assert not (root / "usr/bin/hello").exists()
    assert any("mawk-none" in line for line in built.lines)
    assert prepare.assert_normal(root, bench.epoch) == []


def test_the_environment_of_a_script_is_fixed(built: Built) -> None:
    bench = built.bench
    seen = dict(line.split("=", 1) for line in (bench.root / "etc/environment-seen").read_text().splitlines())
    assert seen["kiwi_iname"] == "it's $HOME"
    assert seen["SOURCE_DATE_EPOCH"] == str(bench.epoch)
    assert (seen["LANG"], seen["LC_ALL"]) == ("C", "C")  # of /.kconfig
    assert "kiwi_align" not in seen
    assert "kiwi_align=1048576" in (bench.root / ".profile").read_text()


def test_accounts(built: Built) -> None:
    bench = built.bench
    users, groups = entries(bench.paths, "passwd"), entries(bench.paths, "group")
    assert users["ann"] == ["ann", "x", "1700", "1500", "Ann Example", "/home/ann", "/bin/sh"]
    assert groups["staff2"][2] == "1500"
    assert "ann" in groups["games"][3].split(",")
    shadow = entries(bench.paths, "shadow")
    assert shadow["ann"][1] == shadow["root"][1] == HASH
    assert shadow["bob"][1] == "!"
    assert {int(line[2]) for line in shadow.values()} <= set(range(bench.epoch // 86400 + 1))
    for name in ("home/ann", "home/ann/notes"):
        assert (bench.root / name).stat().st_uid == 1700, name
    assert (bench.root / "root").stat().st_uid == 0
    assert not any(HASH in line for line in built.lines)


def test_two_builds_are_equal(full: ConfigureInputs, built: Built, make_bench: MakeBench, tmp_path: Path) -> None:
    time.sleep(1.1)
    other = make_bench(tmp_path / "a" / "much" / "longer" / "path" / "tree", [])
    copy = tmp_path / "clone"
    shutil.copytree(full.description, copy, symlinks=True)
    old = os.umask(0o077)
    try:
        for path in copy.rglob("*"):
            path.chmod(path.stat().st_mode & ~0o077)
            os.utime(path)
        prepare.configure(dataclasses.replace(full, description=copy), other)
    finally:
        os.umask(old)
    first, second = manifest(built.bench.root), manifest(other.root)
    assert {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)} == set()


def test_configuring_again_gives_the_same_description_folder(full: ConfigureInputs, bench: Bench) -> None:
    prepare.configure(full, bench)
    before = manifest(bench.root / "image")
    prepare.configure(full, bench)
    assert manifest(bench.root / "image") == before


def test_a_failing_script_is_named_with_its_last_lines(description: Path, bench: Bench) -> None:
    script(description, "config.sh", "#!/bin/sh\nfor i in $(seq 100); do echo line $i; done\nexit 3\n", 0o755)
    with pytest.raises(BuildError, match=r"config\.sh failed with exit code 3") as caught:
        prepare.configure(inputs(description), bench)
    assert caught.value.log_tail[-1] == "line 100"
    assert len(caught.value.log_tail) == 40


def test_a_script_without_a_shebang_runs_in_bash(description: Path, bench: Bench) -> None:
    script(description, "config.sh", "[[ -n $BASH_VERSION ]] && echo yes > /etc/bash-ran\n", 0o755)
    prepare.configure(inputs(description), bench)
    assert (bench.root / "etc/bash-ran").exists()


def test_a_hanging_script_is_ended(description: Path, bench: Bench) -> None:
    script(description, "config.sh", "sleep 100\n")
    with pytest.raises(LimitError, match="longer than"):
        prepare.configure(inputs(description), dataclasses.replace(bench, limits=Limits(seconds=1)))


def test_standard_input_of_a_script_is_empty(description: Path, bench: Bench) -> None:
    script(description, "config.sh", "cat > /etc/said\n")
    prepare.configure(inputs(description), bench)
    assert (bench.root / "etc/said").read_bytes() == b""


def test_post_bootstrap_leaves_only_what_it_did(description: Path, bench: Bench) -> None:
    script(
        description,
        "post_bootstrap.sh",
        '. /.kconfig; . /.profile; ls /image > /etc/seen; echo "$kiwi_iname" >> /etc/seen',
    )
    script(description, "config.sh", "true\n")
    prepare.after_bootstrap(inputs(description), bench)
    assert (bench.root / "etc/seen").read_text() == "post_bootstrap.sh\nit's $HOME\n"
    for name in ("image", ".kconfig", ".profile"):
        assert not (bench.root / name).exists()


def test_images_script(description: Path, bench: Bench) -> None:
    prepare.configure(inputs(description), bench)
    assert not prepare.images_script(inputs(description), bench)
    script(description, "images.sh", "touch /etc/images-ran /tmp/x\n")
    prepare.configure(inputs(description), bench)
    assert not (bench.root / "etc/images-ran").exists()
    assert prepare.images_script(inputs(description), bench)
    assert (bench.root / "etc/images-ran").exists()
    assert prepare.assert_normal(bench.root, bench.epoch) == []


def test_an_unknown_owner_is_named(description: Path, bench: Bench) -> None:
    (description / "f").write_text("")
    files = (FilePlan(name="f", target="/etc/f", owner="nobody-knows"),)
    with pytest.raises(BuildError, match="chown nobody-knows of f failed"):
        prepare.configure(inputs(description, files=files), bench)


def test_a_file_without_a_target_and_into_a_directory(description: Path, bench: Bench) -> None:
    (description / "sub").mkdir()
    (description / "sub/f").write_text("")
    files = (
        FilePlan(name="sub/f", target=""),
        FilePlan(name="sub/f", target="/etc"),
        FilePlan(name="sub/f", target="/new/"),
    )
    prepare.configure(inputs(description, files=files), bench)
    assert [(bench.root / name).is_file() for name in ("f", "etc/f", "new/f")] == [True] * 3


def test_without_account_tools_the_package_is_named(description: Path, bench: Bench) -> None:
    tool = bench.root / "usr/sbin/useradd"
    aside = tool.rename(tool.with_name("aside"))
    try:
        with pytest.raises(BuildError, match="no useradd") as caught:
            prepare.configure(inputs(description, users=(UserPlan(name="x", password="!"),)), bench)
    finally:
        aside.rename(tool)
    assert 'name="passwd"' in (caught.value.hint or "")


def test_an_image_without_apt_uninstalls_with_dpkg(
    description: Path, make_bench: MakeBench, tmp_path: Path
) -> None:
    bench = make_bench(tmp_path / "tree", [])
    prepare.configure(inputs(description, delete=("apt",), uninstall=()), bench)
    prepare.configure(inputs(description, uninstall=("hello",)), bench)
    assert not (bench.root / "usr/bin/hello").exists()


def test_normalising_the_tree_is_quick(bench: Bench) -> None:
    start = time.process_time()
    prepare.normalise(bench)
    assert time.process_time() - start < 1.0
    assert prepare.assert_normal(bench.root, bench.epoch) == []


def test_what_the_system_needs_is_not_uninstalled(description: Path, bench: Bench) -> None:
    with pytest.raises(BuildError, match="uninstalling dpkg failed"):
        prepare.configure(inputs(description, uninstall=("dpkg",)), bench)
    assert (bench.root / "usr/bin/dpkg").exists()
