# SPDX-License-Identifier: Apache-2.0
"""Same lock and same source give the same bytes, here and elsewhere, from a cold store and a warm one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from runner.digest import sha256_file
from tests.support.apt_repo import tiny_distribution
from tests.support.other_world import build_elsewhere, missing
from tests.support.packhouse import PROJECT, Packhouse
from tests.support.tiny import tiny

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.root,
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.xdist_group("reproducible"),
]

OWN = (".manifest.json", ".intoto.jsonl", ".sigstore.json", ".log", "SHA256SUMS")
"""What tells of one build and not of its result."""

_PROBE = 'echo "clock $(date +%Y)"\n'
_STATEFUL = ("dbus", "openssh-server", "python3-minimal", "ca-certificates")
"""Packages whose scripts make identifiers, keys, compiled files or indices."""


def results(folder: Path) -> dict[str, str]:
    """Digest of every result file by name."""
    return {path.name: sha256_file(path) for path in folder.iterdir() if not path.name.endswith(OWN)}


def years(folder: Path) -> set[str]:
    """What config.sh saw of the clock."""
    return set(re.findall(r" clock ([0-9]{4})$", next(folder.glob("*.log")).read_text(), re.MULTILINE))


def test_every_type_of_a_tiny_image(tmp_path: Path, memory: Path) -> None:
    with tiny(tmp_path / "tiny", tiny_distribution(tmp_path / "debs")) as setup:
        setup.script(_PROBE)
        setup.edit('path="mirror://tiny"', f'path="{setup.repo.root.as_uri()}"')
        here = Packhouse(tmp_path / "here", tmp_path / "store")
        here.run("lock", setup.description)
        other = Path(shutil.copytree(setup.description, memory / "some" / "where" / "else"))
        for number, kind in enumerate(("tbz", "docker", "squashfs", "ext4", "erofs")):
            cold, away, warm = tmp_path / f"cold-{kind}", memory / f"away-{kind}", tmp_path / f"warm-{kind}"
            here.run("build", setup.description, "--type", kind, "--target-dir", cold)
            build_elsewhere(
                memory / kind, memory / "store", other, "--type", kind, "--target-dir", away,
                *(["--no-cache"] if number % 2 else []),
            )  # fmt: skip
            assert results(cold) == results(away), kind
            if kind not in {"tbz", "docker"}:  # a compressor takes longer than all the rest
                here.run("build", setup.description, "--type", kind, "--target-dir", warm)
                assert results(cold) == results(warm), kind
        first, second = years(tmp_path / "cold-tbz"), years(memory / "away-tbz")
        assert len(first) == len(second) == 1
        assert int(second.pop()) - int(first.pop()) in {1, 2}, "the clock was not shifted inside the build"


@pytest.mark.network
def test_a_debian_image_with_state(tmp_path: Path, memory: Path, packhouse: Packhouse) -> None:
    description = Path(shutil.copytree(PROJECT / "examples" / "debian-minimal", tmp_path / "description"))
    file = description / "appliance.kiwi"
    packages = "".join(f'<package name="{name}"/>' for name in _STATEFUL)
    text = file.read_text().replace('<package name="iproute2"/>', packages)
    types = '<type image="ext4"/><type image="squashfs" squashfscompression="zstd"/><type image="erofs"/>'
    file.write_text(text.replace('<type image="docker">', f'{types}<type image="docker">'))
    packhouse.run("lock", description, "--profile", "minimal")
    store = memory / "store"
    shutil.copytree(packhouse.store / "blobs", store / "blobs")  # repositories may have expired by that clock
    for kind in ("ext4", "squashfs", "docker"):
        choice = ("--profile", "minimal", "--type", kind, "--target-dir")
        here, away = tmp_path / f"here-{kind}", memory / f"away-{kind}"
        packhouse.run("build", description, *choice, here)
        build_elsewhere(memory / kind, store, description, *choice, away)
        assert results(here) == results(away), kind
