# SPDX-License-Identifier: Apache-2.0
"""One disk, whoever builds it and wherever: bit for bit the same, with no loop device and no mounted image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import other_world
from tests.support.image_files import manifest_of, only, reproducible
from tests.support.mounts import WITHOUT_LOOP_DEVICES, Seen, watching
from tests.support.ordinary_user import User, missing, ordinary_user
from tests.support.packhouse import PROJECT, Packhouse

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.network,
    pytest.mark.root,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.xdist_group("e2e-same-disk"),
]

CHOICE = ("--profile", "trixie", "--profile", "grub")
OF_A_BUILD = {"overlay", "proc", "tmpfs"}


@dataclass(frozen=True, slots=True)
class Made:
    """A disk that root built, from ``description`` with a lock beside it."""

    description: Path
    target: Path
    seen: Seen


@pytest.fixture(scope="module")
def made(packhouse: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("disk")
    description = Path(shutil.copytree(PROJECT / "examples/debian-server", folder / "description"))
    packhouse.run("lock", description, *CHOICE)
    seen, _ = build(packhouse.inside(*WITHOUT_LOOP_DEVICES), description, folder / "out")
    return Made(description, folder / "out", seen)


@pytest.fixture
def user() -> Iterator[User]:
    with ordinary_user() as user:
        if subprocess.run([*user.become, "unshare", "--user", "--map-auto", "true"], check=False).returncode != 0:
            pytest.skip("this machine lets no ordinary user make a user namespace")
        user.make("run", "run/home", "run/tmp", "run/out")
        yield user


def build(packhouse: Packhouse, description: Path, target: Path) -> tuple[Seen, str]:
    """Build, watched; return what was seen and what was said."""
    child = packhouse.start("build", description, *CHOICE, "--target-dir", target)
    with watching(child.pid) as seen:
        said = "".join(child.communicate(timeout=800))
    assert child.returncode == 0, said
    return seen, said


def test_root_mounts_no_image(made: Made) -> None:
    assert not made.seen.loops
    assert not made.seen.images
    assert made.seen.kinds >= OF_A_BUILD, "the build was not seen"


def test_the_watch_would_see_it(tmp_path: Path) -> None:
    image = tmp_path / "image.ext4"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", image, "4M"], check=True)
    script = f"mount -o loop {image} /mnt && sleep 1"
    with subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c", script]) as child:
        with watching(child.pid) as seen:
            child.wait(timeout=60)
        if child.returncode != 0:
            pytest.skip("this machine has no loop devices")
    assert str(image) in seen.loops
    assert any(" /mnt " in line for line in seen.images)
    hidden = subprocess.run([*WITHOUT_LOOP_DEVICES, "mount", "-o", "loop", image, "/mnt"], check=False)
    assert hidden.returncode != 0


def test_elsewhere_with_an_empty_store(made: Made, packhouse: Packhouse, memory: Path) -> None:
    """Another host, clock, time zone, language, umask, number of processors; all on tmpfs."""
    shutil.copytree(
        packhouse.store / "blobs", memory / "store/blobs"
    )  # repositories may have expired by that clock
    description = shutil.copytree(made.description, memory / "some" / "where")
    away = memory / "away"
    other_world.build_elsewhere(memory / "w", memory / "store", description, *CHOICE, "--target-dir", away)
    assert reproducible(away) == reproducible(made.target)


def test_as_a_raw_disk_with_what_was_kept(made: Made, packhouse: Packhouse, tmp_path: Path) -> None:
    description = Path(shutil.copytree(made.description, tmp_path / "description"))
    file = description / "appliance.kiwi"
    file.write_text(file.read_text().replace(' format="qcow2"', ""))
    _, said = build(packhouse, description, tmp_path / "out")
    assert re.search(r"^initrd +cached$", said, re.MULTILINE), said
    decoded = tmp_path / "decoded.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", only(made.target, ".qcow2"), decoded], check=True)
    subprocess.run(["cmp", decoded, only(tmp_path / "out", ".raw")], check=True)


def test_an_ordinary_user(made: Made, packhouse: Packhouse, user: User) -> None:
    run = user.folder / "run"
    shutil.copytree(packhouse.store / "blobs", run / "store/blobs")
    for path in (run / "store", *(run / "store").rglob("*")):
        os.chown(path, user.uid, user.gid)
    description = Path(shutil.copytree(made.description, user.folder / "description"))
    theirs = Packhouse(run, run / "store", wrapper=(*WITHOUT_LOOP_DEVICES, *user.become))
    seen, _ = build(theirs, description, run / "out/disk")
    assert reproducible(run / "out/disk") == reproducible(made.target)
    assert manifest_of(run / "out/disk")["builder"]["identity"] == "subuid"
    assert not seen.loops
    assert not seen.images
    assert seen.kinds >= OF_A_BUILD, "the build was not seen"
