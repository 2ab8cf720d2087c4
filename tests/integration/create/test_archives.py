# SPDX-License-Identifier: Apache-2.0
"""Other programs read our archives and find the tree in them."""

from __future__ import annotations

import json
import os
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from runner.create.pipeline import create
from runner.process import run
from tests.integration.create.facts import facts
from tests.integration.create.trees import EPOCH, LEFTOVERS, SEED, STEM, grow, plan, workshop

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.root]

GNU_TAR = ("tar", "--extract", "--xattrs", "--xattrs-include=*", "--numeric-owner", "--preserve-permissions", "-f")
BSD_TAR = ("bsdtar", "-x", "-p", "--xattrs", "--numeric-owner", "-f")


def packed(image: str, tmp_path: Path, *, empty_tmp: bool = True) -> tuple[Path, Path]:
    """Return the (stripped) tree and the archive made of it."""
    root = grow(tmp_path / "tree")
    made = create(
        plan(image, empty_tmp=empty_tmp), root, tmp_path / "out", epoch=EPOCH, seed=SEED, workshop=workshop()
    )
    return root, tmp_path / "out" / made.files[0].name


@pytest.mark.parametrize("reader", [GNU_TAR, BSD_TAR], ids=["gnu", "bsd"])
def test_tar_keeps_everything(reader: tuple[str, ...], tmp_path: Path) -> None:
    root, archive = packed("tbz", tmp_path)
    (tmp_path / "back").mkdir()
    run((*reader, archive, "-C", tmp_path / "back"))
    assert facts(tmp_path / "back", epoch=EPOCH) == facts(root, epoch=EPOCH)
    assert archive.name == f"{STEM}.tar.xz"


def test_tar_is_named_and_sorted_as_promised(tmp_path: Path) -> None:
    _, archive = packed("tbz", tmp_path)
    with tarfile.open(archive, encoding="utf-8", errors="surrogateescape") as tar:
        members = tar.getmembers()
    names = [os.fsencode(member.name) for member in members]
    assert names == sorted(names, key=lambda name: name.split(b"/"))
    assert names[0] == b"bin"
    assert {(member.uname, member.gname) for member in members} == {("", "")}
    assert max(member.mtime for member in members) == EPOCH
    links = {member.name: member.linkname for member in members if member.islnk()}
    assert links == {"lib/block": "bin/zlink", "lib/second": "bin/zlink"}


@pytest.mark.parametrize(("image", "there"), [("tbz", False), ("squashfs", False), ("docker", True)])
def test_what_the_tree_lists_is_left_out(image: str, there: bool, tmp_path: Path) -> None:  # noqa: FBT001
    root = grow(tmp_path / "tree")
    (root / "image").mkdir(exist_ok=True)
    (root / "image/exclude_files.yaml").write_text("exclude: [etc/host*, var/lib/dpkg]\n")
    made = create(plan(image), root, tmp_path / "out", epoch=EPOCH, seed=SEED, workshop=workshop())
    assert (root / "etc/hostname").exists() is there
    assert (root / "etc/zero").exists()
    assert f"{STEM}.packages" in {file.name for file in made.files}, "what was installed is listed all the same"


@pytest.mark.parametrize("image", ["tbz", "docker", "squashfs"])
def test_leftovers_stay_out_and_folders_stay(image: str, tmp_path: Path) -> None:
    root, _ = packed(image, tmp_path)
    assert [name for name in LEFTOVERS if (root / name).exists()] == []
    assert not (root / "image").exists()
    assert all(
        (root / name).is_dir() and not any((root / name).iterdir()) for name in ("dev", "proc", "run", "tmp")
    )
    assert (root / "tmp").stat().st_mtime == (root / "bin").stat().st_mtime


def test_a_container_may_keep_its_temporary_files(tmp_path: Path) -> None:
    root, _ = packed("docker", tmp_path, empty_tmp=False)
    assert (root / "tmp/junk").exists()
    assert (root / "run/lock").exists()
    assert not (root / "dev/stray").exists()


def inspected(reference: str) -> dict[str, Any]:
    said = run(("skopeo", "inspect", "--config", reference)).stdout
    config: dict[str, Any] = json.loads(said)
    return config


@pytest.mark.parametrize(("image", "transport"), [("docker", "docker-archive"), ("oci", "oci-archive")])
def test_skopeo_reads_the_configuration(image: str, transport: str, tmp_path: Path) -> None:
    _, archive = packed(image, tmp_path)
    assert archive.name == f"{STEM}.{image}.tar.xz"
    config = inspected(f"{transport}:{archive}")
    assert config["created"] == "2023-11-14T22:13:20Z"
    assert (config["architecture"], config["os"], config["author"]) == ("amd64", "linux", "Ann <ann@example.org>")
    assert config["config"] == {
        "User": "9:10",
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Env": ["A=1", "B=2", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Entrypoint": ["/bin/tool", "--serve"],
        "Cmd": ["--port", "80"],
        "Volumes": {"/data": {}},
        "WorkingDir": "/srv",
        "Labels": {"org.example.a": "x", "org.example.b": "y"},
        "StopSignal": "SIGTERM",
    }
    assert config["history"] == [
        {
            "created": "2023-11-14T22:13:20Z",
            "created_by": "a gardener",
            "author": "Ann <ann@example.org>",
            "comment": "grown",
        }
    ]


@pytest.mark.parametrize(("image", "transport"), [("docker", "docker-archive"), ("oci", "oci-archive")])
def test_umoci_unpacks_the_tree_of_a_container(image: str, transport: str, tmp_path: Path) -> None:
    root, archive = packed(image, tmp_path)
    layout = tmp_path / "layout"
    policy = ("--insecure-policy", "--tmpdir", tmp_path)
    run(("skopeo", *policy, "copy", f"{transport}:{archive}", f"oci:{layout}:back"))
    run(("umoci", "unpack", "--image", f"{layout}:back", tmp_path / "bundle"))
    assert facts(tmp_path / "bundle" / "rootfs", epoch=EPOCH) == facts(root, epoch=EPOCH)


def test_docker_archive_carries_all_names(tmp_path: Path) -> None:
    _, archive = packed("docker", tmp_path)
    with tarfile.open(archive) as tar:
        member = tar.extractfile("manifest.json")
        assert member is not None
        manifest = json.load(member)
    assert manifest[0]["RepoTags"] == ["garden:1.2.3", "garden:latest", "shed:1.2.3"]
    tags = json.loads(run(("skopeo", "list-tags", f"docker-archive:{archive}")).stdout)["Tags"]
    assert len(tags) == 3
