# SPDX-License-Identifier: Apache-2.0
"""Equal trees give equal bytes, whatever else differs."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.create.compress import compressing, xz_command
from runner.create.pipeline import create, create_key
from runner.digest import sha256_file
from runner.process import run
from runner.seed import Seed
from tests.integration.create.trees import EPOCH, SEED, STEM, grow, plan, with_acl, workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.root]

TYPES = ("tbz", "docker", "oci", "squashfs", "ext2", "ext3", "ext4", "btrfs", "erofs")


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder on another kind of filesystem than ``tmp_path``."""
    folder = Path(tempfile.mkdtemp(prefix="packhouse-test-", dir="/dev/shm"))
    yield folder
    shutil.rmtree(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("image", TYPES)
def test_bytes_depend_on_the_tree_alone(image: str, tmp_path: Path, memory: Path) -> None:
    tree, root = grow(tmp_path / "tree"), grow(memory / "some" / "deeper" / "tree", order=7)
    for place in (tree, root):
        with_acl(place)
    first = create(plan(image), tree, tmp_path / "out", epoch=EPOCH, seed=SEED, workshop=workshop())
    target = memory / "out"
    time.sleep(1.1)
    script = 'umask 077; cd /; exec taskset -c "$CPU" "$0" "$@"'
    environment = {
        **os.environ,
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "CPU": str(min(os.sched_getaffinity(0))),
    }
    module = "tests.integration.create.build_once"
    run(("sh", "-c", script, sys.executable, "-m", module, image, root, target), env=environment)
    mine, other = contents(tmp_path / "out"), contents(target)
    assert sorted(mine) == sorted(other) == sorted(file.name for file in first.files)
    assert [name for name in mine if mine[name] != other[name]] == []


@pytest.mark.parametrize("image", TYPES)
def test_digests_told_are_those_of_the_files(image: str, tmp_path: Path) -> None:
    made = create(
        plan(image), grow(tmp_path / "tree"), tmp_path / "out", epoch=EPOCH, seed=SEED, workshop=workshop()
    )
    for file in made.files:
        path = tmp_path / "out" / file.name
        assert (file.sha256, file.size) == (sha256_file(path), path.stat().st_size)
    assert made.files[0].name.startswith(STEM)


def test_a_change_of_content_changes_the_bytes(tmp_path: Path) -> None:
    digests = set()
    for number in range(2):
        root = grow(tmp_path / f"tree{number}")
        (root / "etc/hostname").write_text(f"host{number}\n")
        os.utime(root / "etc/hostname", (0, 0))
        made = create(plan("ext4"), root, tmp_path / "out", epoch=EPOCH, seed=SEED, workshop=workshop())
        digests.add(made.files[0].sha256)
    assert len(digests) == 2


def test_every_input_changes_the_key() -> None:
    base = create_key(plan("ext4"), tree_key="a", epoch=EPOCH, seed=SEED)
    others = {
        create_key(plan("ext4"), tree_key="b", epoch=EPOCH, seed=SEED),
        create_key(plan("ext4"), tree_key="a", epoch=EPOCH + 1, seed=SEED),
        create_key(plan("ext4"), tree_key="a", epoch=EPOCH, seed=Seed(b"x" * 32)),
        create_key(plan("ext3"), tree_key="a", epoch=EPOCH, seed=SEED),
        create_key(plan("ext4", options=("-O", "^huge_file")), tree_key="a", epoch=EPOCH, seed=SEED),
    }
    assert len(others) == 5
    assert base not in others
    assert base == create_key(plan("ext4"), tree_key="a", epoch=EPOCH, seed=SEED)


@pytest.mark.parametrize("threads", [3, 8])
def test_xz_gives_the_same_bytes_with_any_number_of_threads(threads: int, tmp_path: Path) -> None:
    two = xz_command()
    many = tuple(f"--threads={threads}" if word.startswith("--threads") else word for word in two)
    assert many != two
    digests = set()
    for number, command in enumerate((two, many)):
        with compressing(tmp_path / str(number), command) as stream:
            for block in range(40):
                stream.write(bytes([block]) * (1 << 20))
        digests.add(stream.done().sha256)
    assert len(digests) == 1
