# SPDX-License-Identifier: Apache-2.0
"""What two releases have in common is left out, what is different is told once, in numbers, JSON and text."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from runner.errors import VerificationError
from runner.packages.compare import PackageChange
from runner.release.assemble import make_release
from runner.release.changes import (
    FileChange,
    Previous,
    PreviousRelease,
    changes_since,
    decode_changes,
    encode_changes,
)
from runner.release.changes_text import changes_text, package_lines
from runner.release.sign import load_signer
from runner.release.verify import verify_directory

if TYPE_CHECKING:
    from pathlib import Path

    from runner.packages.lock import LockedPackage
    from runner.release.inputs import ReleaseInputs
    from runner.release.keys import KeyPair


def previous(inputs: ReleaseInputs, **versions: str) -> Previous:
    """Release 3, version 0.9, of packages like those of ``inputs`` by other names and versions."""
    like = inputs.lock.packages[0]
    return Previous(
        release=PreviousRelease(manifest="9" * 64, version="0.9", number=3),
        packages=packages(like, versions),
        files={"tiny.x86_64-0.9.squashfs": 200, "tiny.x86_64-0.9.old": 50},
    )


def packages(like: LockedPackage, versions: dict[str, str]) -> tuple[LockedPackage, ...]:
    return tuple(
        msgspec.structs.replace(like, name=name.replace("_", "-"), version=version)
        for name, version in versions.items()
    )


def test_a_release_tells_what_it_changed(raw_inputs: ReleaseInputs, key: KeyPair, tmp_path: Path) -> None:
    before = previous(raw_inputs, base_files="11", gone="1")
    release = make_release(replace(raw_inputs, previous=before), tmp_path / "raw", load_signer(key.private))
    changes = decode_changes((tmp_path / "raw/tiny.x86_64-1.0.0.changes.json").read_bytes())
    assert changes.packages == (
        PackageChange("base-files", "amd64", "11", "12"),
        PackageChange("gone", "amd64", "1", ""),
    )
    sizes = {file.name: (file.before, file.after) for file in changes.files}
    assert sizes["tiny.x86_64-1.0.0.squashfs"] == (200, 1050)
    assert sizes["tiny.x86_64-0.9.old"] == (50, 0)
    said = release.manifest.compare
    assert said is not None
    assert (said.previous, said.size_delta) == ("sha256:" + "9" * 64, changes.size_delta)
    assert (said.packages_added, said.packages_removed, said.packages_updated) == (0, 1, 1)
    report = verify_directory(tmp_path / "raw", key.public)
    assert "tiny.x86_64-1.0.0.changes.json" in dict(report.files)


def test_changed_changes_do_not_verify(raw_inputs: ReleaseInputs, key: KeyPair, tmp_path: Path) -> None:
    make_release(replace(raw_inputs, previous=previous(raw_inputs)), tmp_path / "raw", load_signer(key.private))
    path = tmp_path / "raw/tiny.x86_64-1.0.0.changes.json"
    path.write_text(path.read_text().replace('"12"', '"13"'))
    with pytest.raises(VerificationError, match=r"changes\.json does not match"):
        verify_directory(tmp_path / "raw", key.public)


def test_a_release_that_is_compared_with_nothing_says_nothing(raw_inputs: ReleaseInputs, tmp_path: Path) -> None:
    release = make_release(raw_inputs, tmp_path / "raw", None)
    assert release.manifest.compare is None
    assert not list((tmp_path / "raw").glob("*.changes.json"))


def test_the_text_for_a_terminal(raw_inputs: ReleaseInputs) -> None:
    before = previous(raw_inputs, bash="5.1", libc6="2.36", zlib1g="1")
    after = packages(raw_inputs.lock.packages[0], {"bash": "5.2", "zlib1g": "1", "vim-tiny": "9"})
    files = {"tiny.x86_64-1.0.squashfs": 2248, "tiny.x86_64-1.0.old": 50}
    changes = changes_since(before, version="1.0", packages=after, files=files)
    assert changes_text(changes).splitlines() == [
        "Since release 3 (0.9): packages 1 updated, 1 added, 1 removed; size +2.0 KiB",
        "  ~ bash (amd64)      5.1 → 5.2",
        "  - libc6 (amd64)     2.36",
        "  + vim-tiny (amd64)  9",
        "  tiny.x86_64-1.0.squashfs  200 B → 2.2 KiB (+2.0 KiB)",
    ]
    assert changes.files[0] == FileChange(name="tiny.x86_64-1.0.old", before=50, after=50)
    assert package_lines(changes.packages, 1) == ["~ bash (amd64)  5.1 → 5.2", "  and 2 more"]


def test_the_file_is_read_as_it_was_written(raw_inputs: ReleaseInputs) -> None:
    changes = changes_since(previous(raw_inputs), version="1.0", packages=raw_inputs.lock.packages, files={"a": 1})
    data = encode_changes(changes)
    assert decode_changes(data) == changes
    assert json.loads(data)["schema"] == "urn:packhouse:schema:changes:v1"
    with pytest.raises(VerificationError, match="cannot be read"):
        decode_changes(data.replace(b'"files"', b'"fires"'))
