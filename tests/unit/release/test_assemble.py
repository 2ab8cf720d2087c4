# SPDX-License-Identifier: Apache-2.0
"""A release is whole or absent, and all but manifest, signature and log are equal in every build."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from runner.errors import BuildError, HostError
from runner.release.assemble import make_release
from runner.release.verify import verify_directory

if TYPE_CHECKING:
    from pathlib import Path

    from runner.release.inputs import ReleaseInputs
    from runner.release.keys import KeyPair
    from tests.unit.release.conftest import MakeSample

SIGNATURES = (".intoto.jsonl", ".sigstore.json")
VOLATILE = (".manifest.json", *SIGNATURES, ".log", ".boot.log")


class BrokenSigner:
    """Fails as a key store that went away would."""

    def attest(self, statement: bytes) -> bytes:
        raise HostError("the key store is gone", why=f"{len(statement)} bytes stay unsigned")


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_two_builds_differ_in_manifest_and_signature_only(make_sample: MakeSample) -> None:
    one, two = make_sample("one"), make_sample("two")
    for name in one.release.files:
        equal = (one.directory / name).read_bytes() == (two.directory / name).read_bytes()
        assert equal or name.endswith(VOLATILE), name
    assert one.release.manifest_digest != two.release.manifest_digest
    volatile = {f"tiny.x86_64-1.0.0{suffix}" for suffix in VOLATILE}
    assert set(one.release.files) - volatile == {line.split()[1] for line in _sums(one.directory)} | {"SHA256SUMS"}


def _sums(directory: Path) -> list[str]:
    return (directory / "SHA256SUMS").read_text().splitlines()


def test_an_old_signature_does_not_stay_beside_new_files(make_sample: MakeSample) -> None:
    sample = make_sample()
    make_release(sample.inputs, sample.directory, None)
    assert not any(name.endswith(SIGNATURES) for name in names(sample.directory))


def test_making_it_again_in_place(make_sample: MakeSample, key: KeyPair) -> None:
    sample = make_sample()
    before = {path.name: path.read_bytes() for path in sample.directory.iterdir()}
    again = make_sample("again")
    release = make_release(again.inputs, sample.directory, None)
    assert set(release.files) == set(before) - {f"tiny.x86_64-1.0.0{suffix}" for suffix in SIGNATURES}
    verify_directory(again.directory, key.public)


def test_a_failure_leaves_only_what_create_made(raw_inputs: ReleaseInputs, tmp_path: Path) -> None:
    before = names(tmp_path / "raw")
    with pytest.raises(HostError, match="gone"):
        make_release(raw_inputs, tmp_path / "raw", BrokenSigner())
    assert names(tmp_path / "raw") == before


def test_a_log_in_place_is_used_and_survives_a_failure(raw_inputs: ReleaseInputs, tmp_path: Path) -> None:
    log = tmp_path / "raw" / "tiny.x86_64-1.0.0.log"
    log.write_text("in place\n")
    inputs = replace(raw_inputs, log=log)
    with pytest.raises(HostError, match="gone"):
        make_release(inputs, tmp_path / "raw", BrokenSigner())
    assert log.read_text() == "in place\n"
    release = make_release(inputs, tmp_path / "raw", None)
    assert release.manifest.log is not None
    assert release.manifest.log.size == 9
    assert log.name in release.files


def test_without_a_log(raw_inputs: ReleaseInputs, tmp_path: Path) -> None:
    release = make_release(replace(raw_inputs, log=None, boot=None), tmp_path / "raw", None)
    assert release.manifest.logs == ()
    assert not any(name.endswith(".log") for name in release.files)


@pytest.mark.parametrize("damage", ["missing", "longer", "link"])
def test_a_result_that_changed_after_create(raw_inputs: ReleaseInputs, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "raw" / "tiny.x86_64-1.0.0.squashfs"
    match damage:
        case "missing":
            path.unlink()
        case "longer":
            path.write_bytes(path.read_bytes() + b"x")
        case _:
            path.rename(tmp_path / "moved")
            path.symlink_to(tmp_path / "moved")
    with pytest.raises(BuildError, match=r"tiny\.x86_64-1\.0\.0\.squashfs"):
        make_release(raw_inputs, tmp_path / "raw", None)
    assert not any(name.endswith((".manifest.json", ".lock.json")) for name in names(tmp_path / "raw"))


def test_a_name_that_cannot_stand_in_a_manifest(raw_inputs: ReleaseInputs, tmp_path: Path) -> None:
    odd = msgspec.structs.replace(raw_inputs.image.files[0], name="a b.raw")
    (tmp_path / "raw" / "tiny.x86_64-1.0.0.squashfs").rename(tmp_path / "raw" / "a b.raw")
    image = msgspec.structs.replace(raw_inputs.image, files=(odd, *raw_inputs.image.files[1:]))
    with pytest.raises(BuildError, match="cannot be described"):
        make_release(replace(raw_inputs, image=image), tmp_path / "raw", None)


def test_kiwis_lists_are_counted_once_whoever_lists_them(raw_inputs: ReleaseInputs, tmp_path: Path) -> None:
    image = msgspec.structs.replace(raw_inputs.image, files=raw_inputs.image.files[:1])
    release = make_release(replace(raw_inputs, image=image), tmp_path / "raw", None)
    roles = {artifact.name: artifact.role for artifact in release.manifest.artifacts}
    assert roles["tiny.x86_64-1.0.0.packages"] == "packages"
    assert roles["kiwi.result.json"] == "kiwi_result"
    assert roles["tiny.x86_64-1.0.0.lock.json"] == "lock"
    assert len(roles) == 4


def test_a_directory_that_is_missing(raw_inputs: ReleaseInputs, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot be written"):
        make_release(raw_inputs, tmp_path / "missing", None)


@pytest.mark.parametrize("url", ["/home/jane/images", "file:///home/jane/images"])
def test_a_local_source_says_its_name_only(raw_inputs: ReleaseInputs, tmp_path: Path, url: str) -> None:
    checkout = msgspec.structs.replace(
        raw_inputs.checkout, url=url, ref=None, resolved_ref=None, commit=None, tree=None, dirty=True, subdir="."
    )
    release = make_release(replace(raw_inputs, checkout=checkout), tmp_path / "raw", None)
    source = release.manifest.source
    assert (source.uri, source.ref, source.digest, source.path, source.dirty) == (
        "file:images",
        None,
        None,
        ".",
        True,
    )
    assert "jane" not in (tmp_path / "raw" / release.manifest_name).read_text()
