# SPDX-License-Identifier: Apache-2.0
"""What goes wrong while packing is one clear error and leaves nothing."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from runner.create.compress import compressing
from runner.create.pipeline import create
from runner.create.toolchain import discover
from runner.errors import BuildError, HostError
from runner.process import run
from tests.integration.create.trees import EPOCH, SEED, grow, plan, workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.root]


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 64 KiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    run(("mount", "-t", "tmpfs", "-o", "size=64k", "none", folder))
    yield folder
    run(("umount", folder))


@pytest.mark.parametrize("image", ["tbz", "docker", "oci", "squashfs", "ext4", "erofs"])
def test_a_full_disk_is_named_and_nothing_is_left(image: str, tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(HostError, match="no space left for results in") as caught:
        create(plan(image), grow(tmp_path / "tree"), tiny, epoch=EPOCH, seed=SEED, workshop=workshop())
    assert "free now" in (caught.value.why or "")
    assert list(tiny.iterdir()) == []


def test_a_type_without_builder_names_those_that_have_one(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="image type appx cannot be built yet") as caught:
        create(plan("appx"), tmp_path, tmp_path / "out", epoch=EPOCH, seed=SEED, workshop=workshop())
    assert "squashfs" in (caught.value.hint or "")
    assert not (tmp_path / "out").exists()


def test_a_wrong_option_shows_what_the_tool_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="mke2fs failed") as caught:
        create(
            plan("ext4", options=("-O", "nonsense")),
            grow(tmp_path / "tree"),
            tmp_path,
            epoch=EPOCH,
            seed=SEED,
            workshop=workshop(),
        )
    assert any("nonsense" in line for line in caught.value.log_tail)


def test_an_older_result_survives_a_failed_build(tmp_path: Path) -> None:
    made = create(
        plan("tbz"), grow(tmp_path / "one"), tmp_path / "out", epoch=EPOCH, seed=SEED, workshop=workshop()
    )
    before = (tmp_path / "out" / made.files[0].name).read_bytes()
    root = grow(tmp_path / "two")
    (root / "var/lib/dpkg/status").write_text("Package: broken\nStatus: install ok installed\n")
    with pytest.raises(BuildError, match="package database"):
        create(plan("tbz"), root, tmp_path / "out", epoch=EPOCH, seed=SEED, workshop=workshop())
    assert (tmp_path / "out" / made.files[0].name).read_bytes() == before
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_compressor_that_fails_is_heard(tmp_path: Path) -> None:
    def feed() -> None:
        with compressing(tmp_path / "x", ("sh", "-c", "echo out of luck >&2; exit 3")) as stream:
            for _ in range(100):
                stream.write(bytes(1 << 20))

    with pytest.raises(BuildError, match="exit code 3") as caught:
        feed()
    assert caught.value.log_tail == ("out of luck",)


def test_a_compressor_dies_with_the_packer(tmp_path: Path) -> None:
    told = tmp_path / "pid"

    def interrupted() -> None:
        with compressing(
            tmp_path / "x", ("sh", "-c", f"echo $$ >{told}.new; mv {told}.new {told}; exec sleep 600")
        ):
            while not told.exists():
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)


def test_a_missing_compressor_is_the_hosts_fault(tmp_path: Path) -> None:
    with (
        pytest.raises(HostError, match="no-such-program is not installed"),
        compressing(tmp_path / "x", ("no-such-program",)),
    ):
        pass


def test_tools_are_known_by_version_and_digest() -> None:
    tools = discover(("xz", "mke2fs", "debugfs", "mksquashfs", "mkfs.erofs"))
    assert [tool.name for tool in tools] == ["debugfs", "mke2fs", "mkfs.erofs", "mksquashfs", "xz"]
    assert all(tool.version[0].isdigit() and "." in tool.version for tool in tools)
    assert len({tool.digest for tool in tools}) == len(tools)


def test_a_missing_tool_is_the_hosts_fault() -> None:
    with pytest.raises(HostError, match="no-such-program is not installed"):
        discover(("no-such-program",))
