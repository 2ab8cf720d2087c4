# SPDX-License-Identifier: Apache-2.0
"""Bad input and bad luck: one clear error, the documented exit code, no traceback, and nothing left behind."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.apt_repo import Signer
from tests.support.git_repo import GitRepo
from tests.support.packhouse import Packhouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.bench import Bench

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

USAGE, SOURCE, DESCRIPTION, RESOLVE, FETCH, INTEGRITY, BUILD, ENVIRONMENT, STORAGE = 2, 3, 4, 5, 6, 7, 8, 9, 10
VERIFICATION, LIMIT = 12, 13


# -- the source and the description


def test_no_such_repository(bench: Bench) -> None:
    done = bench.build(source=(bench.base / "nowhere.git").as_uri(), expect=SOURCE)
    assert "nowhere.git" in done.said


def test_no_such_ref(bench: Bench) -> None:
    repo = GitRepo.create(bench.base / "repo")
    repo.commit({"appliance.kiwi": "<image/>"})
    done = bench.build("--ref", "v9", source=repo.path.as_uri(), expect=SOURCE)
    assert "v9" in done.said


def test_no_description(bench: Bench) -> None:
    empty = bench.base / "empty"
    empty.mkdir()
    (empty / "README").write_text("nothing")
    assert str(empty) in bench.build(source=empty, expect=DESCRIPTION).said


def test_malformed_xml(bench: Bench) -> None:
    bench.setup.edit("</packages>\n</image>", "</image>")
    assert re.search(r"appliance\.kiwi:\d+", bench.build(expect=DESCRIPTION).said)


@pytest.mark.parametrize("size", ["1X", "-1", "M", ""])
def test_no_size(bench: Bench, size: str) -> None:
    assert "--max-size" in bench.build("--max-size", size, expect=USAGE).error["what"]


# -- the result


def test_larger_than_allowed(bench: Bench) -> None:
    done = bench.build("--max-size", "1k", expect=BUILD)
    assert "at most 1024" in done.error["why"]
    assert not (bench.base / "out").exists()


# -- disks: what is known of the plan alone, or of the packages' names, is said before a package is fetched


def refused(bench: Bench, *, expect: int) -> tuple[str, str]:
    """Build what cannot be built, and return what the error says and where; no package may have been fetched."""
    done = bench.build(expect=expect)
    assert not [path for path in bench.setup.mirror.asked if path.endswith(".deb")]
    place = done.error["where"]
    assert re.search(r"appliance\.kiwi:\d+", place), done.said
    return f"{done.error['what']} {done.error['why']} {done.error['hint']}", place.rpartition(" ")[2]


def test_two_partitions_for_the_root(bench: Bench) -> None:
    parts = '<partitions><partition name="r" size="100" mountpoint="/" filesystem="ext4"/></partitions>'
    bench.setup.make_disk(children=parts)
    said, element = refused(bench, expect=DESCRIPTION)
    assert "two filesystems are mounted at /" in said
    assert element == "(partition)"


def test_partitions_that_overlap(bench: Bench) -> None:
    part = '<partition name="{}" size="100" mountpoint="/srv" filesystem="ext4"/>'
    bench.setup.make_disk(children=f"<partitions>{part.format('a')}{part.format('b')}</partitions>")
    said, element = refused(bench, expect=DESCRIPTION)
    assert "two filesystems are mounted at /srv" in said
    assert element == "(partition)"


def test_a_filesystem_that_nobody_knows(bench: Bench) -> None:
    bench.setup.make_disk()
    bench.setup.edit('filesystem="ext4"', 'filesystem="zfs"')
    said, element = refused(bench, expect=DESCRIPTION)
    assert "zfs" in said
    assert "ext4" in said
    assert element == "(type)"


def test_a_disk_smaller_than_its_partitions(bench: Bench) -> None:
    bench.setup.make_disk('firmware="efi" efipartsize="64"', "<size>50</size>")
    said, element = refused(bench, expect=DESCRIPTION)
    assert "the partitions take 67 MiB, and the disk has 50" in said
    assert element == "(size)"


def test_an_efi_partition_too_small_for_its_filesystem(bench: Bench) -> None:
    bench.setup.make_disk('firmware="efi" efipartsize="2"')
    said, element = refused(bench, expect=DESCRIPTION)
    assert "the partition efi has 2 MiB, and fat16 needs 3" in said
    assert element == "(type)"


def test_a_disk_without_a_kernel(bench: Bench) -> None:
    bench.setup.make_disk()
    bench.setup.edit('<package name="linux-image-tiny"/>', "")
    said, element = refused(bench, expect=BUILD)
    assert "no kernel" in said
    assert "linux-image" in said
    assert element == "(type)"


def test_a_disk_without_a_bootloader_and_an_initrd(bench: Bench) -> None:
    bench.setup.make_disk('firmware="bios"', loader="grub2")
    bench.setup.edit('initrd_system="none"', "")
    said, _ = refused(bench, expect=BUILD)
    assert "no generator of initrds, no bootloader for bios" in said
    assert "initramfs-tools, grub-pc-bin" in said


def test_a_disk_with_a_lock_is_checked_too(bench: Bench) -> None:
    bench.setup.make_disk('firmware="efi" efipartsize="64"', loader="grub2")
    bench.command.with_env(**bench.setup.environment).run("lock", bench.setup.description)
    done = bench.build(expect=BUILD)
    assert "grub-efi-" in done.error["hint"]


def test_a_size_too_small_for_the_tree_says_by_how_much(bench: Bench) -> None:
    """Only the finished tree tells how much it needs."""
    bench.setup.make_disk(children="<size>10</size>")
    done = bench.build(expect=BUILD)
    assert re.search(r"the disk is too small: \d+ MiB are missing", done.error["what"])
    assert re.search(r"<size> says 10 MiB, and \d+ MiB are needed: root \d+ MiB", done.error["why"])


def test_an_efi_partition_too_small_for_the_kernel_says_by_how_much(bench: Bench) -> None:
    bench.setup.make_disk('firmware="efi" efipartsize="4"')
    bench.setup.script("mkdir -p /boot/efi/os; head -c 9000000 /dev/zero >/boot/efi/os/vmlinuz\n")
    done = bench.build(expect=BUILD)
    assert re.search(r"the partition efi is too small: \d+ MiB are missing", done.error["what"])


# -- packages and their repositories


def test_unknown_package(bench: Bench) -> None:
    bench.setup.edit('"hello"', '"no-such-thing"')
    assert "no-such-thing" in bench.build(expect=RESOLVE).error["what"]


def test_unsigned_repository(bench: Bench) -> None:
    bench.setup.repo.write(None)
    assert "signed" in bench.build(expect=RESOLVE).error["what"]


def test_repository_signed_by_another(bench: Bench) -> None:
    with Signer.make(bench.base / "stranger") as stranger:
        bench.setup.repo.write(stranger)
    assert "signed" in bench.build(expect=RESOLVE).error["what"]


def test_damaged_store(bench: Bench) -> None:
    bench.command.with_env(**bench.setup.environment).run("lock", bench.setup.description)
    for blob in (bench.command.store / "blobs").rglob("*"):
        if blob.is_file():
            data = bytearray(blob.read_bytes())
            data[-1] ^= 1
            blob.write_bytes(data)
    done = bench.build(expect=INTEGRITY)
    assert "store" in done.error["what"]


def test_mirror_serves_other_bytes(bench: Bench) -> None:
    deb = bench.setup.repo.file("hello")
    bench.setup.mirror.instead[deb.name] = b"x" * deb.stat().st_size
    assert "hello" in bench.build(expect=INTEGRITY).error["what"]


def test_locked_package_has_left(bench: Bench) -> None:
    command = bench.command.with_env(**bench.setup.environment)
    Packhouse(bench.base / "other", bench.base / "other-store", command.env).run("lock", bench.setup.description)
    bench.setup.repo.file("hello").unlink()
    done = bench.build(expect=FETCH)
    assert "hello" in done.error["what"]
    assert "packhouse lock" in done.error["hint"]


# -- the machine


@pytest.fixture
def small_disk() -> Iterator[Callable[[Path, str], None]]:
    """Mount a tmpfs of a given size; it goes when the test does."""
    mounted: list[Path] = []

    def mount(place: Path, size: str) -> None:
        place.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
        mounted.append(place)

    yield mount
    for place in mounted:
        subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize("size", ["4m", "16m", "40m"])
def test_full_disk_for_the_store(size: str, bench: Bench, small_disk: Callable[[Path, str], None]) -> None:
    small_disk(bench.command.store, size)
    done = bench.build(expect=ENVIRONMENT)
    assert "space" in str(done.error), done.said


@pytest.mark.parametrize("kind", ["squashfs", "ext4", "tbz", "docker"])
def test_full_disk_for_the_results(kind: str, bench: Bench, small_disk: Callable[[Path, str], None]) -> None:
    small_disk(bench.target.parent, "1m")
    done = bench.build("--type", kind, expect=ENVIRONMENT)
    assert "space" in str(done.error), done.said


# -- scripts


def test_failing_script_shows_its_last_40_lines(bench: Bench) -> None:
    bench.setup.script("for i in $(seq 1 100); do echo said $i.; done\nexit 3\n")
    done = bench.build(expect=BUILD)
    assert "config.sh" in done.said
    assert "said 100." in done.said
    assert "said 65." in done.said
    assert "said 55." not in done.said


def test_hanging_script(bench: Bench) -> None:
    config = bench.base / "config.yaml"
    config.write_text("timeout: 5\n")
    bench.setup.script(f"setsid sleep {bench.nap} &\nsleep {bench.nap}\n")
    start = time.monotonic()
    bench.build(expect=LIMIT, PACKHOUSE_CONFIG=str(config))
    assert time.monotonic() - start < 60
    assert not bench.hangs()


# -- keys and storages


def test_wrong_passphrase(bench: Bench) -> None:
    key = bench.base / "key"
    bench.command.run("keygen", "--out", key, env={"PACKHOUSE_KEY_PASSPHRASE": "right one"})
    done = bench.build("--sign", key, expect=USAGE, PACKHOUSE_KEY_PASSPHRASE="wrong one")
    assert "wrong one" not in done.said


def test_no_private_key(bench: Bench) -> None:
    key = bench.base / "key"
    key.write_text("not a key\n")
    for place in (key, bench.base / "none"):
        assert str(place) in str(bench.build("--sign", place, expect=USAGE).error)


def test_release_of_another_key(bench: Bench) -> None:
    for name in ("mine", "other"):
        bench.command.run("keygen", "--out", bench.base / name)
    bench.build("--sign", bench.base / "mine", expect=0)
    bench.command.run("verify", bench.target, "--key", bench.base / "mine.pub")
    bench.command.run("verify", bench.target, "--key", bench.base / "other.pub", expect=VERIFICATION)


def test_unreachable_s3(bench: Bench) -> None:
    credentials = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "very secret", "AWS_REGION": "us-east-1"}
    endpoint = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "1"}
    before = bench.mounts()
    done = bench.command.with_env(**bench.setup.environment, **credentials, **endpoint).run(
        *bench.arguments("--publish", "s3://bucket/prefix"), expect=STORAGE
    )
    assert "very secret" not in done.said
    assert bench.mounts() == before
    assert bench.command.leftovers() == []


def test_scratch_is_where_it_belongs(bench: Bench) -> None:
    """A successful build leaves nothing either, and nothing in the machine's own folder for temporary files."""
    mine = {entry.name for entry in Path(tempfile.gettempdir()).iterdir()}
    bench.build(expect=0)
    new = {entry.name for entry in Path(tempfile.gettempdir()).iterdir()} - mine
    assert not {name for name in new if "packhouse" in name and "pytest" not in name}
