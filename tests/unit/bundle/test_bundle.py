# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json
import lzma
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from runner.bundle.bundle import BundleOptions, bundle
from runner.bundle.results import read_results
from runner.errors import HostError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

STEM = "garden.x86_64-1.2.3"
EPOCH = 1_700_000_000


def entry(name: str, **flags: bool) -> dict[str, Any]:
    return {"compress": False, "filename": name, "shasum": False, "use_for_bundle": True, **flags}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The results of a build, as KIWI lists them: absolute paths of a machine that is not this one."""
    folder = tmp_path / "results"
    folder.mkdir()
    contents = {
        f"{STEM}.ext4": b"\0" * 300_000 + b"data" + b"\0" * 200_000,
        f"{STEM}.vmx": f'disk = "{STEM}.ext4"\n'.encode(),
        f"{STEM}.packages": b"bash|None|5|None|amd64|None|None\n",
        f"{STEM}.raw": b"left out",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (EPOCH, EPOCH))
    listing = {
        "disk_image": entry(f"/elsewhere/{STEM}.raw", use_for_bundle=False),
        "filesystem_image": entry(f"/elsewhere/{STEM}.ext4", compress=True, shasum=True),
        "disk_format_image": entry(f"/elsewhere/{STEM}.vmx", shasum=True),
        "image_packages": entry(f"/elsewhere/{STEM}.packages"),
    }
    (folder / "kiwi.result.json").write_text(json.dumps(listing))
    return folder


def change(target: Path, **fields: Any) -> None:
    path = target / "kiwi.result.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_that_is_marked_is_in_the_bundle(target: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep/out"
    made = bundle(read_results(target), out, BundleOptions(id="b7"))
    stem = f"{STEM}-b7"
    assert names(out) == [
        f"{stem}.ext4.xz",
        f"{stem}.ext4.xz.sha256",
        f"{stem}.packages",
        f"{stem}.vmx",
        f"{stem}.vmx.sha256",
    ]
    packed = (out / f"{stem}.ext4.xz").read_bytes()
    assert lzma.decompress(packed) == (target / f"{STEM}.ext4").read_bytes()
    digest = hashlib.sha256(packed).hexdigest()
    assert (out / f"{stem}.ext4.xz.sha256").read_text() == f"{digest}  {stem}.ext4.xz\n"
    assert {item.name: item.sha256 for item in made}[f"{stem}.ext4.xz"] == digest
    assert (out / f"{stem}.vmx").read_text() == f'disk = "{stem}.ext4"\n'
    assert (out / f"{stem}.packages").stat().st_mtime == EPOCH


def test_two_bundles_are_equal(target: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        bundle(read_results(target), tmp_path / name, BundleOptions(id="1"))
    assert names(tmp_path / "a") == names(tmp_path / "b")
    for name in names(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_without_compression_holes_stay_holes(target: Path, tmp_path: Path) -> None:
    bundle(read_results(target), tmp_path / "out", BundleOptions(id="1", compress=False))
    copy = tmp_path / "out" / f"{STEM}-1.ext4"
    assert copy.read_bytes() == (target / f"{STEM}.ext4").read_bytes()
    assert copy.stat().st_blocks * 512 < 300_000


def test_the_pattern_of_the_description_names_the_files(target: Path, tmp_path: Path) -> None:
    tags = {"N": "garden", "P": "x_y", "A": "x86_64", "I": "", "T": "oem", "M": 1, "m": 2, "p": 3, "v": "1.2.3"}
    change(target, bundle_format={"pattern": "%N-%P-%I", "tags": {key: str(value) for key, value in tags.items()}})
    bundle(read_results(target), tmp_path / "out", BundleOptions(id="9"))
    assert "garden-x_y-9.ext4.xz" in names(tmp_path / "out")
    bundle(read_results(target), tmp_path / "out2", BundleOptions(id="9", pattern="%T_%v"))
    assert "oem_1.2.3.packages" in names(tmp_path / "out2")


def test_the_manifest_tells_what_the_listing_does_not(target: Path, tmp_path: Path) -> None:
    image = {"name": "garden", "version": "1.2.3", "arch": "x86_64", "type": "ext4", "profile": ["p", "q"]}
    (target / f"{STEM}.manifest.json").write_text(json.dumps({"image": image, "schema": "x"}))
    bundle(read_results(target), tmp_path / "out", BundleOptions(id="9", pattern="%N-%T-%P"))
    assert "garden-ext4-p_q.packages" in names(tmp_path / "out")


def test_nothing_is_overwritten_and_nothing_left_of_a_failure(target: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / f"{STEM}-1.vmx").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        bundle(read_results(target), out, BundleOptions(id="1"))
    assert names(out) == [f"{STEM}-1.vmx"]
    assert (out / f"{STEM}-1.vmx").read_text() == "mine"


def test_a_pattern_that_gives_one_name_twice_is_refused(target: Path, tmp_path: Path) -> None:
    (target / f"{STEM}.install.vmx").write_text("")
    change(target, other=entry(f"{STEM}.install.vmx"))
    with pytest.raises(UsageError, match="two results would be called"):
        bundle(read_results(target), tmp_path / "out", BundleOptions(id="1", pattern="%N"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["..", "", "/", "a\0b"])
def test_a_listing_that_names_no_file_is_damaged(target: Path, name: str) -> None:
    change(target, evil=entry(name))
    with pytest.raises(UsageError, match="damaged"):
        read_results(target)


def test_only_files_of_the_folder_are_bundled(target: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    change(target, evil=entry("../secret"))
    with pytest.raises(UsageError, match="secret is missing"):
        bundle(read_results(target), tmp_path / "out", BundleOptions(id="1", pattern="%N-%v"))
    (target / "secret").symlink_to(tmp_path / "secret")
    with pytest.raises(UsageError, match="secret is missing"):
        bundle(read_results(target), tmp_path / "out", BundleOptions(id="1", pattern="%N-%v"))
    assert names(tmp_path / "out") == []


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a": 1}', '{"a": {"compress": 1, "filename": "x"}}', "[" * 100_000]
)
def test_a_damaged_listing_is_one_clear_error(target: Path, text: str) -> None:
    (target / "kiwi.result.json").write_text(text)
    with pytest.raises(UsageError, match="damaged"):
        read_results(target)


def test_a_folder_without_results(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no results"):
        read_results(tmp_path)


def test_nothing_to_bundle(target: Path, tmp_path: Path) -> None:
    (target / "kiwi.result.json").write_text("{}")
    with pytest.raises(UsageError, match="nothing to bundle"):
        bundle(read_results(target), tmp_path / "out", BundleOptions(id="1"))


@pytest.mark.skipif(shutil.which("zsyncmake") is not None, reason="zsyncmake is installed")
def test_zsync_needs_its_tool(target: Path, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="zsyncmake is not installed"):
        bundle(read_results(target), tmp_path / "out", BundleOptions(id="1", zsync_source="https://h/"))
    assert names(tmp_path / "out") == []
