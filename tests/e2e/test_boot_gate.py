# SPDX-License-Identifier: Apache-2.0
"""``build --boot-test``: what does not come up is not published, and what does is, with the log."""

from __future__ import annotations

import io
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest

from runner.digest import sha256_file
from tests.e2e.conftest import PASSPHRASE
from tests.support.image_files import manifest_of, only, reproducible
from tests.support.packhouse import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import KeyPair
    from tests.support.packhouse import Packhouse

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.xdist_group("e2e-disks")]

SECRETS = {"PACKHOUSE_BOOT_PASSWORD": "packhouse", "PACKHOUSE_KEY_PASSPHRASE": PASSPHRASE}
OWN = "# the description's own\n"
BOX = '<vagrantconfig provider="libvirt" virtualsize="8" embedded_vagrantfile="box/settings"/>'


def describe(folder: Path) -> Path:
    """The example as a Vagrant box."""
    description = shutil.copytree(PROJECT / "examples/debian-server", folder)
    file = description / "appliance.kiwi"
    text = (
        file.read_text()
        .replace('format="qcow2"', 'format="vagrant"')
        .replace("</oemconfig>", "</oemconfig>" + BOX)
    )
    assert text.count(BOX) == text.count("<oemconfig>") > 0
    file.write_text(text)
    (description / "box").mkdir()
    (description / "box/settings").write_text(OWN)
    return description


def test_only_what_comes_up_is_published(packhouse: Packhouse, key: KeyPair, tmp_path: Path) -> None:
    description, target, storage = describe(tmp_path / "description"), tmp_path / "out", tmp_path / "storage"
    packhouse.run("lock", description, "--profile", "grub", "--profile", "trixie")
    build = ("build", description, "--profile", "grub", "--profile", "trixie", "--target-dir", target)
    publish = ("--sign", key.private, "--publish", storage.as_uri())

    packhouse.run(*build)
    before = {path.name: sha256_file(path) for path in target.iterdir()}
    untested = reproducible(target)
    assert "boot" not in manifest_of(target)

    failed = packhouse.run(
        *build, *publish, "--boot-test", "--boot-firmware", "secure", expect=14, env=SECRETS, timeout=900
    )
    assert "secure boot refused" in failed.error["what"]
    assert {path.name: sha256_file(path) for path in target.iterdir()} == before
    assert [path.name for path in (storage / "v1").rglob("*") if path.is_file()] == ["format.json"]

    script = tmp_path / "check.sh"
    script.write_text("#!/bin/sh\ntest -d /run/systemd/system && echo it has systemd\n")
    test = ("--boot-test", "--boot-firmware", "bios", "--boot-script", script)
    done = packhouse.run(*build, *publish, *test, env=SECRETS, timeout=900).json
    assert done["published"]["number"] == 1
    assert reproducible(target) == untested
    (tested,) = manifest_of(target)["boot"]["tests"]
    assert (tested["firmware"], tested["script"]) == ("bios", sha256_file(script))

    again = packhouse.run(*build, *publish, *test, env=SECRETS).json
    assert again["unchanged"]
    assert again["published"]["number"] == 1

    fetched = tmp_path / "fetched"
    packhouse.run("fetch", storage.as_uri(), "debian-server:edge", "--key", key.public, "-o", fetched)
    log = only(fetched, ".boot.log").read_text()
    assert "debian-server login:" in log
    assert "it has systemd" in log
    assert "script ended with 0" in log
    with tarfile.open(fileobj=io.BytesIO(only(target, ".vagrant.libvirt.box").read_bytes())) as box:
        assert box.extractfile("Vagrantfile").read().decode() == OWN  # type: ignore[union-attr]
