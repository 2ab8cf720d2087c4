# SPDX-License-Identifier: Apache-2.0
"""Container archives: other tools read them, and what they unpack has the owners and modes of the packages."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.debs import Inode, lost, of_tar, packaged, special, unlike
from tests.support.image_files import manifest_of, only

if TYPE_CHECKING:
    from tests.e2e.conftest import Repository
    from tests.support.packhouse import Packhouse

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.root, pytest.mark.xdist_group("e2e-container")]

_SHADOW, _UTMP, _STAFF, _MAIL = 42, 43, 50, 8
"""Group ids that Debian's base-passwd fixes."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A container archive and what the two that read it made of it."""

    release: Path
    path: Path
    layout: Path
    layer: Path
    rootfs: Path
    config: dict[str, Any]


@pytest.fixture(scope="module")
def docker(repository: Repository, packhouse: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Built at a short commit; read by skopeo, which copies it into an OCI layout; unpacked by umoci."""
    base = tmp_path_factory.mktemp("docker")
    release = _build(packhouse, repository, "docker", base)
    archive = only(release, ".docker.tar.xz")
    layout = base / "layout"
    _run("skopeo", "copy", "--quiet", f"docker-archive:{archive}", f"oci:{layout}:it")
    return _unpacked(release, archive, layout, base)


@pytest.fixture(scope="module")
def oci(repository: Repository, packhouse: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OCI layout in an OCI archive."""
    base = tmp_path_factory.mktemp("oci")
    archive = only(_build(packhouse, repository, "oci", base), ".oci.tar.xz")
    layout = base / "layout"
    layout.mkdir()
    _run("tar", "--extract", "--xz", f"--file={archive}", f"--directory={layout}")
    return layout


@pytest.fixture(scope="module")
def shipped(docker: Archive, packhouse: Packhouse) -> dict[str, Inode]:
    """What the locked packages say."""
    return packaged(only(docker.release, ".lock.json"), packhouse.store)


@pytest.fixture(scope="module")
def in_layer(docker: Archive) -> dict[str, Inode]:
    """What the layer's tar archive says."""
    with tarfile.open(docker.layer) as tar:
        return of_tar(tar)


def _build(packhouse: Packhouse, repository: Repository, kind: str, base: Path) -> Path:
    commit = repository.tagged[:8]
    command = ("build", repository.url, "--ref", commit, "--subdir", "image", "--type", kind)
    packhouse.run(*command, "--target-dir", base / "out")
    return base / "out"


def _unpacked(release: Path, archive: Path, layout: Path, base: Path) -> Archive:
    index = json.loads((layout / "index.json").read_bytes())
    (entry,) = index["manifests"]
    manifest = json.loads(_blob(layout, entry["digest"]).read_bytes())
    (layer,) = manifest["layers"]
    config = json.loads(_blob(layout, manifest["config"]["digest"]).read_bytes())
    _run("umoci", "unpack", "--image", f"{layout}:it", base / "bundle")
    return Archive(release, archive, layout, _blob(layout, layer["digest"]), base / "bundle" / "rootfs", config)


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def _run(*argv: str | Path) -> str:
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, timeout=300).stdout


def _on_disk(root: Path) -> dict[str, Inode]:
    found: dict[str, Inode] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(folder, name)
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode):
                kind = "d" if stat.S_ISDIR(status.st_mode) else "-"
                inode = Inode(kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
                found[path.relative_to(root).as_posix()] = inode
    return found


def test_skopeo_reads_the_docker_archive(docker: Archive, repository: Repository) -> None:
    told = json.loads(_run("skopeo", "inspect", f"oci:{docker.layout}:it"))
    assert (told["Os"], told["Architecture"]) == ("linux", _go_architecture())
    assert told["Labels"]["org.opencontainers.image.title"] == "Debian minimal"
    assert len(told["Layers"]) == 1
    assert manifest_of(docker.release)["source"]["digest"]["gitCommit"] == repository.tagged


def test_the_docker_archive_names_its_image(docker: Archive) -> None:
    with tarfile.open(docker.path) as tar:
        member = tar.extractfile("manifest.json")
        assert member is not None
        (entry,) = json.loads(member.read())
    assert entry["RepoTags"] == ["debian-minimal:bookworm", "debian-minimal:latest"]


def test_the_container_runs_what_the_description_says(docker: Archive) -> None:
    settings = docker.config["config"]
    assert settings["Cmd"] == ["/bin/bash"]
    assert settings["WorkingDir"] == "/"
    assert (docker.rootfs / "etc/image-release").read_text() == "debian-minimal 1.0.0 (minimal)\n"
    assert (docker.rootfs / "etc/motd").read_text() != "An older message.\n"


def test_every_packaged_path_has_the_owner_and_mode_of_its_package_in_the_layer(
    shipped: dict[str, Inode], in_layer: dict[str, Inode]
) -> None:
    assert not unlike(shipped, in_layer)
    assert not lost(shipped, in_layer)


def test_every_packaged_path_has_them_after_unpacking(docker: Archive, shipped: dict[str, Inode]) -> None:
    found = _on_disk(docker.rootfs)
    assert not unlike(shipped, found)
    assert not lost(shipped, found)


def test_setuid_setgid_and_sticky_bits_and_groups(shipped: dict[str, Inode], in_layer: dict[str, Inode]) -> None:
    for name in ("usr/bin/passwd", "usr/bin/su", "usr/bin/chsh", "usr/bin/gpasswd"):
        assert in_layer[name] == shipped[name] == Inode("-", 0o4755, 0, 0), name
    for name in ("usr/bin/chage", "usr/bin/expiry", "usr/sbin/unix_chkpwd"):
        assert in_layer[name] == shipped[name] == Inode("-", 0o2755, 0, _SHADOW), name
    assert in_layer["tmp"] == shipped["tmp"] == Inode("d", 0o1777, 0, 0)
    assert {name for name, inode in special(shipped).items() if inode.kind == "-"} <= in_layer.keys()


def test_owners_that_package_scripts_give(in_layer: dict[str, Inode]) -> None:
    assert in_layer["etc/shadow"] == Inode("-", 0o640, 0, _SHADOW)
    assert in_layer["var/mail"] == Inode("d", 0o2775, 0, _MAIL)
    assert in_layer["var/local"] == Inode("d", 0o2775, 0, _STAFF)
    assert in_layer["var/log/wtmp"] == Inode("-", 0o664, 0, _UTMP)


def test_the_described_user_owns_the_home(in_layer: dict[str, Inode]) -> None:
    home = {name: inode for name, inode in in_layer.items() if name.partition("/")[0] == "home" and name != "home"}
    assert home
    assert {(inode.uid, inode.gid) for inode in home.values()} == {(1000, 1000)}


def test_a_capability_survives(docker: Archive) -> None:
    with tarfile.open(docker.layer) as tar:
        headers = tar.getmember("usr/bin/ping").pax_headers
    assert [name for name in headers if "xattr" in name] == ["SCHILY.xattr.security.capability"]
    assert _run("getcap", docker.rootfs / "usr/bin/ping").split()[1:] == ["cap_net_raw=ep"]
    assert (docker.rootfs / "usr/bin/ping").stat().st_mode & 0o7000 == 0


def test_the_oci_archive_has_the_same_layer(oci: Path, docker: Archive) -> None:
    told = json.loads(_run("skopeo", "inspect", f"oci:{oci}"))
    assert (told["Os"], told["Architecture"]) == ("linux", _go_architecture())
    # Ours are not compressed, so their digests are the diff ids; skopeo's copy of the other may be.
    assert told["Layers"] == docker.config["rootfs"]["diff_ids"]


def _go_architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
