# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING

import pytest

from runner.create.image import ResultFile
from runner.create.kiwi_result import kiwi_result
from runner.create.registry import MODULES, Builder, builder_for
from runner.create.staging import staged
from runner.create.tools import tools_of, version_of
from runner.disk.filesystems.registry import filesystem_for
from runner.disk.filesystems.squashfs import compression_options
from runner.errors import BuildError, HostError
from runner.plan.disk import DiskPlan
from runner.plan.formats import DiskFormatPlan
from runner.plan.initrd import InitrdPlan
from runner.plan.model import DescriptionRef, ImageIdentity, PackageRequest, Plan, TypePlan
from runner.plan.protection import VerityPlan

if TYPE_CHECKING:
    from pathlib import Path


def result(name: str, role: str, *, compress: bool = False, checksum: bool = True) -> ResultFile:
    return ResultFile(
        name=name,
        role=role,
        media_type="text/plain",
        sha256="",
        size=0,
        bundle_compress=compress,
        bundle_checksum=checksum,
    )


def plan(bundle_format: str = "") -> Plan:
    return Plan(
        image=ImageIdentity(name="n", version="1.0"),
        arch="x86_64",
        profiles=("a", "b"),
        type=TypePlan(image="ext4", bundle_format=bundle_format),
        packages=PackageRequest(manager="apt", arch="x86_64", repositories=()),
        description=DescriptionRef(kiwi_file="config.xml", digest="0" * 64),
    )


def test_a_bundle_format_is_recorded() -> None:
    recorded = json.loads(kiwi_result((), plan("%N-%P")))["bundle_format"]
    tags = {"N": "n", "P": "a_b", "A": "x86_64", "I": "", "T": "ext4", "M": "1", "m": "0", "p": "0", "v": "1.0"}
    assert recorded == {"pattern": "%N-%P", "tags": tags}


def test_kiwi_result_has_kiwis_form() -> None:
    made = (result("n.ext4", "filesystem_image", compress=True), result("n.packages", "packages", checksum=False))
    content = kiwi_result(made, plan())
    assert json.loads(content) == {
        "filesystem_image": {"compress": True, "filename": "n.ext4", "shasum": True, "use_for_bundle": True},
        "image_packages": {"compress": False, "filename": "n.packages", "shasum": False, "use_for_bundle": True},
    }
    assert content.startswith(b'{\n    "filesystem_image": {\n        "compress": true,\n')


@pytest.mark.parametrize("image", sorted(MODULES))
def test_every_registered_type_has_a_builder(image: str) -> None:
    builder = builder_for(image)
    assert isinstance(builder, Builder)
    assert tools_of(TypePlan(image=image)) or not filesystem_for(image).tools  # btrfs is written by us


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("runner.create.oci.BUILDER", Builder(version=99, tools=(), run=builder_for("oci").run)),
        ("runner.disk.table.VERSION", 99),
        ("runner.disk.verity.VERSION", 99),
        ("runner.initrd.compress.compressor", lambda: "another"),
        ("runner.initrd.kept.VERSION", 99),
    ],
)
def test_the_version_of_a_disk_is_that_of_all_its_parts(
    part: str, changed: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = TypePlan(
        image="oem",
        disk=DiskPlan(table="gpt"),
        disk_format=DiskFormatPlan(name="qcow2", wrapper="oci"),
        initrd=InitrdPlan(system="dracut"),
        verity=VerityPlan(),
    )
    before = version_of(disk)
    monkeypatch.setattr(part, changed)
    assert version_of(disk) != before
    assert version_of(TypePlan(image="tbz")) == str(builder_for("tbz").version)


@pytest.mark.parametrize(
    ("compression", "arch", "expected"),
    [
        ("xz", "x86_64", ("-comp", "xz", "-Xbcj", "x86")),
        ("", "x86_64", ("-comp", "xz", "-Xbcj", "x86")),
        ("xz", "aarch64", ("-comp", "xz")),
        ("zstd", "x86_64", ("-comp", "zstd")),
        ("uncompressed", "x86_64", ("-noI", "-noId", "-noD", "-noF", "-noX")),
    ],
)
def test_squashfs_compression(compression: str, arch: str, expected: tuple[str, ...]) -> None:
    assert compression_options(compression, arch) == expected


def test_results_move_up_when_all_are_there(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_text("old")
    with staged(tmp_path / "out") as stage:
        (stage / "a").write_text("new")
        (stage / "b").write_text("new")
        assert (tmp_path / "out/a").read_text() == "old"
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {"a": "new", "b": "new"}


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), staged(tmp_path) as stage:
        fail_after_writing(stage, KeyboardInterrupt())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        BuildError("x", log_tail=["write: No space left on device"]),
    ],
)
def test_a_full_disk_is_the_hosts_fault(failure: Exception, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="no space left"), staged(tmp_path) as stage:
        fail_after_writing(stage, failure)
    assert list(tmp_path.iterdir()) == []


def test_other_failures_keep_their_words(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="own words"), staged(tmp_path) as stage:
        fail_after_writing(stage, BuildError("own words", log_tail=["bad"]))


def fail_after_writing(stage: Path, failure: BaseException) -> None:
    (stage / "a").write_text("half")
    raise failure


def test_a_target_that_cannot_be_made_is_the_hosts_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HostError, match="results cannot be made") as caught, staged(tmp_path / "file"):
        pass
    assert "File exists" in (caught.value.why or "")
