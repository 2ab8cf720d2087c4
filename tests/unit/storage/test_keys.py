# SPDX-License-Identifier: Apache-2.0
"""No name leads outside of its place, and no two names share one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import UsageError
from runner.storage import keys
from runner.storage.reference import Reference, parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True).filter(lambda name: ".." not in name)


@given(names)
def test_escaping_is_reversible_and_portable(name: str) -> None:
    assert keys.unescape(keys.escape(name)) == name
    key = keys.commit(name, "edge", 7)
    assert keys.checked_key(key) == key
    assert key == key.lower()


@given(names, names)
def test_different_names_have_different_keys(one: str, two: str) -> None:
    assert (keys.escape(one) == keys.escape(two)) == (one == two)


@given(st.text(max_size=40))
def test_any_text_is_refused_or_safe(text: str) -> None:
    makers: list[Callable[[str], str]] = [keys.channels, lambda name: keys.channel("Image", name), keys.blob]
    for make in makers:
        try:
            key = make(text)
        except UsageError:
            continue
        assert keys.checked_key(key.rstrip("/")) == key.rstrip("/")
        assert key.startswith("v1/")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../x", "a..b", ".hidden", "-x", "a b", "a\n", "ä", "x" * 300]
)
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    for check in (keys.checked_image, keys.checked_channel, keys.checked_version, keys.checked_file):
        with pytest.raises(UsageError):
            check(name)


@pytest.mark.parametrize(
    "key", ["", "/v1", "v1//x", "v1/../x", "v1/.x", "V1/x", "v1/x/", "v1/x\n", "v1/é", "a" * 2000]
)
def test_keys_that_not_every_storage_holds_are_refused(key: str) -> None:
    with pytest.raises(UsageError):
        keys.checked_key(key)


def test_layout() -> None:
    digest = "ab" + "0" * 62
    assert keys.blob(digest) == f"v1/blobs/sha256/ab/{digest}"
    assert keys.commit("LimeJeOS", "edge", 12) == "v1/images/_lime_je_o_s/channels/edge/12.json"
    assert keys.manifest("a_b", digest) == f"v1/images/a__b/targets/{digest}.manifest.json"
    assert keys.attestation(digest, 1) == f"v1/attest/sha256/{digest}/1.intoto.jsonl"
    assert keys.build("x", digest) == f"v1/builds/x/{digest}.json"


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("Image", Reference("Image")),
        ("Image:edge", Reference("Image", channel="edge")),
        ("my-image.x@1.2.3~rc1+b", Reference("my-image.x", version="1.2.3~rc1+b")),
    ],
)
def test_references(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    "text", ["", ":edge", "@1", "Image:", "Image@", "Image:Edge", "Image:a@1", "a:b:c", "../x"]
)
def test_malformed_references(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)
