# SPDX-License-Identifier: Apache-2.0
"""A script that called kiwi-ng calls packhouse kiwi instead."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.bench import Bench

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs real root")]


def test_build_and_bundle_as_with_kiwi(bench: Bench, tmp_path: Path) -> None:
    bench.setup.script('echo "$kiwi_iname $kiwi_iversion $kiwi_type" >/etc/told\n')
    bench.setup.edit('<type image="ext4"/>', '<type image="ext4" bundle_format="%N-%v-%T-%I"/>')
    kiwi = bench.command.with_env(**bench.setup.environment)
    where = ("--description", bench.setup.description)
    built, out = tmp_path / "built", tmp_path / "bundle"
    kiwi.run("kiwi", "--debug", "--type", "ext4", "system", "build", *where, "--target-dir", built)
    listed = kiwi.run("kiwi", "result", "list", "--target-dir", built).json
    image = listed["filesystem_image"]["filename"]
    kiwi.run("kiwi", "result", "bundle", "--target-dir", built, "--id", "7", "--bundle-dir", out)
    packed = out / "tiny-1.0.0-ext4-7.ext4.xz"
    with lzma.open(packed) as stream, open(image, "rb") as plain:  # noqa: PTH123
        assert hashlib.file_digest(stream, "sha256").digest() == hashlib.file_digest(plain, "sha256").digest()
    assert (out / f"{packed.name}.sha256").read_text().split()[1] == packed.name


def test_both_steps_give_what_one_gives(bench: Bench, tmp_path: Path) -> None:
    kiwi = bench.command.with_env(**bench.setup.environment)
    kiwi.run("lock", bench.setup.description)
    where = ("--description", bench.setup.description)
    root, created, built = tmp_path / "root", tmp_path / "created", tmp_path / "built"
    kiwi.run("kiwi", "--type", "squashfs", "system", "prepare", *where, "--root", root)
    kiwi.run("kiwi", "system", "create", "--root", root, "--target-dir", created)
    kiwi.run("kiwi", "--type", "squashfs", "system", "build", *where, "--target-dir", built)
    name = next(path.name for path in created.glob("*.squashfs"))
    assert (created / name).read_bytes() == (built / name).read_bytes()


def test_a_disk_is_resized_as_with_kiwi(bench: Bench, tmp_path: Path) -> None:
    bench.setup.make_disk('firmware="efi"')
    kiwi = bench.command.with_env(**bench.setup.environment)
    where = ("--description", bench.setup.description)
    kiwi.run("kiwi", "system", "build", *where, "--target-dir", tmp_path / "out")
    (disk,) = (tmp_path / "out").glob("*.raw")
    before = disk.read_bytes()
    resize = ("kiwi", "image", "resize", "--target-dir", tmp_path / "out", "--size")
    assert "cannot be made smaller" in kiwi.run(*resize, "1m", expect=1).error["what"]
    assert "not a size" in kiwi.run(*resize, "big", expect=1).error["what"]
    assert disk.read_bytes() == before
    done = kiwi.run(*resize, "300m")
    assert sorted(done.json["removed"]) == ["SHA256SUMS", "tiny.x86_64-1.0.0.manifest.json"]
    assert disk.stat().st_size == done.json["size"] == 300 << 20
    check = subprocess.run(["sfdisk", "--verify", disk], check=True, capture_output=True, text=True)
    assert "No errors detected" in check.stdout
    assert kiwi.run("kiwi", "result", "list", "--target-dir", tmp_path / "out").json["disk_image"]


def test_a_converted_disk_is_resized_with_its_tree(bench: Bench, tmp_path: Path) -> None:
    bench.setup.make_disk('firmware="efi" format="qcow2"')
    kiwi = bench.command.with_env(**bench.setup.environment)
    where = ("--description", bench.setup.description)
    root, out = tmp_path / "root", tmp_path / "out"
    kiwi.run("kiwi", "system", "prepare", *where, "--root", root)
    kiwi.run("kiwi", "system", "create", "--root", root, "--target-dir", out)
    resize = ("kiwi", "image", "resize", "--target-dir", out, "--size", "1g")
    assert "--root" in kiwi.run(*resize, expect=1).error["hint"]
    assert kiwi.run(*resize, "--root", root).json["removed"] == []
    (disk,) = out.glob("*.qcow2")
    shown = subprocess.run(["qemu-img", "info", "--output=json", disk], check=True, capture_output=True)
    facts = json.loads(shown.stdout)
    assert (facts["virtual-size"], facts["format-specific"]["data"]["compression-type"]) == (1 << 30, "zstd")
    subprocess.run(["qemu-img", "convert", "-O", "raw", disk, tmp_path / "raw"], check=True)
    check = subprocess.run(["sfdisk", "--verify", tmp_path / "raw"], check=True, capture_output=True, text=True)
    assert "No errors detected" in check.stdout
