# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.bundle.naming import Tags, check_id, ending, expand, with_id
from runner.errors import UsageError

TAGS = Tags(name="garden", arch="x86_64", version="1.22.333", image_type="oem", profiles="a_b")
STEM = "garden.x86_64-1.22.333"


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("%N-%v-%I", "garden-1.22.333-7"),
        ("%N.%A_%T.%P-%M-%m-%p", "garden.x86_64_oem.a_b-1-22-333"),
        ("plain", "plain"),
    ],
)
def test_expand(pattern: str, name: str) -> None:
    assert expand(pattern, TAGS, "7") == name


@pytest.mark.parametrize(("version", "parts"), [("1.0", "1-0-0"), ("2", "2-0-0"), ("1.2.3.4", "1-2-3.4")])
def test_a_version_of_few_parts_has_zeros(version: str, parts: str) -> None:
    assert expand("%M-%m-%p", Tags("n", "x86_64", version), "1") == parts


@pytest.mark.parametrize("pattern", ["%N-%x", "%N%", "%N/%v", "../%N", "-%N", "%%N", "", "%N\n"])
def test_a_bad_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError):
        expand(pattern, TAGS, "1")


@pytest.mark.parametrize("letter", ["P", "T"])
def test_what_is_not_recorded_is_said(letter: str) -> None:
    with pytest.raises(UsageError, match="needs the"):
        expand(f"%N-%{letter}", Tags("n", "x86_64", "1"), "1")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (f"{STEM}.iso", ".iso"),
        (f"{STEM}.install.iso", ".iso"),
        (f"{STEM}.tar.xz", ".tar.xz"),
        (f"{STEM}.oci.tar.xz", ".oci.tar.xz"),
        (f"{STEM}.docker.tar.zst", ".docker.tar.zst"),
        (f"{STEM}.docker.tar", ".docker.tar"),
        (f"{STEM}.vagrant.libvirt.box", ".vagrant.libvirt.box"),
        (f"{STEM}-6.1.0.kernel", ".kernel"),
        (STEM, ""),
    ],
)
def test_endings(name: str, expected: str) -> None:
    assert ending(name, STEM) == expected


def test_the_id_stands_behind_the_version() -> None:
    assert with_id(f"{STEM}.oci.tar.xz", STEM, "b1") == f"{STEM}-b1.oci.tar.xz"
    assert with_id(STEM, STEM, "b1") == f"{STEM}-b1"
    for stem in ("", "other"):
        with pytest.raises(UsageError, match="cannot be told"):
            with_id(f"{STEM}.iso", stem, "b1")


@pytest.mark.parametrize("bundle_id", ["", "a/b", "..", "-x", "a b", "ä", "a\n"])
def test_a_bad_id_is_refused(bundle_id: str) -> None:
    with pytest.raises(UsageError):
        check_id(bundle_id)


@given(
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}", fullmatch=True),
    st.sampled_from(["x86_64", "aarch64", "ix86", "s390x"]),
    st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}", fullmatch=True),
)
def test_a_stem_gives_its_parts_back(name: str, arch: str, version: str) -> None:
    assert Tags.of_stem(f"{name}.{arch}-{version}") == Tags(name, arch, version)
