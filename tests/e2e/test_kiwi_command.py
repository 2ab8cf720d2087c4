# SPDX-License-Identifier: Apache-2.0
"""A script that called kiwi-ng calls packhouse kiwi instead."""

from __future__ import annotations

import hashlib
import lzma
import os
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
