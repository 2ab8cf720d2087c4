# SPDX-License-Identifier: Apache-2.0
"""Digests, seeds and redaction."""

from __future__ import annotations

import io
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.digest import HashingWriter, canonical_json, digest_of, sha256_bytes
from runner.redact import MASK, Redactor, strip_credentials
from runner.seed import Seed

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(JSON)
def test_canonical_json_is_json_and_stable(value: object) -> None:
    data = canonical_json(value)
    assert json.loads(data) == value
    assert canonical_json(json.loads(data)) == data


def test_equal_values_have_equal_digests_whatever_the_order() -> None:
    assert digest_of({"a": 1, "b": [2]}) == digest_of({"b": [2], "a": 1})
    assert digest_of({"a": 1}) != digest_of({"a": "1"})


@given(st.lists(st.binary(max_size=64)))
def test_hashing_writer_hashes_what_it_passes_on(chunks: list[bytes]) -> None:
    sink = io.BytesIO()
    writer = HashingWriter(sink)
    for chunk in chunks:
        writer.write(chunk)
    assert sink.getvalue() == b"".join(chunks)
    assert (writer.size, writer.sha256) == (len(sink.getvalue()), sha256_bytes(sink.getvalue()))


def test_seeds_differ_in_every_input_and_purpose() -> None:
    base = {"image": "a", "arch": "x86_64", "lock_digest": "d", "epoch": 1}
    first = Seed.derive(image="a", arch="x86_64", lock_digest="d", epoch=1)
    others = [
        Seed.derive(**{**base, change: value})  # type: ignore[arg-type]
        for change, value in {"image": "b", "arch": "aarch64", "lock_digest": "e", "epoch": 2}.items()
    ]
    assert len({first, *others}) == 5
    assert first.uuid("root") != first.uuid("boot")
    assert first.uuid("root") == Seed.derive(image="a", arch="x86_64", lock_digest="d", epoch=1).uuid("root")
    assert first.uuid("root").version == 4
    with pytest.raises(ValueError, match=r"1\.\.32"):
        first.bytes("x", 33)


@given(st.text(min_size=4, alphabet=st.characters(codec="utf-8")), st.text(), st.text())
def test_a_secret_is_never_in_redacted_text(secret: str, before: str, after: str) -> None:
    clean = Redactor.of([secret])(before + secret + after)
    assert secret not in clean.replace(MASK, "") or secret in MASK


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@host/x", "https://host/x"),
        ("https://token@host:8443/x?y=1", "https://host:8443/x?y=1"),
        ("ssh://git@host/x", "ssh://git@host/x"),
        ("ssh://git:pw@host/x", "ssh://host/x"),
        ("git@host:x", "git@host:x"),
        ("/srv/a@b", "/srv/a@b"),
        ("https://u:p@[x", "https://[x"),
    ],
)
def test_urls_lose_their_credentials(url: str, shown: str) -> None:
    assert strip_credentials(url) == shown


@pytest.mark.parametrize("secret", ['pa"ss', "back\\slash", "two\nlines", 'pä"ss', "päss"])
def test_a_secret_within_json_is_masked(secret: str) -> None:
    for text in (json.dumps({"a": secret}), json.dumps({"a": secret}, ensure_ascii=False)):
        assert json.loads(Redactor.of([secret])(text)) == {"a": MASK}


def test_a_redactor_does_not_show_what_it_hides() -> None:
    assert "hunter2" not in repr(Redactor.of(["hunter2"]))


@pytest.mark.parametrize("piece", ["x", "x:", "a://b", "://", "a://b@"], ids=range(5))
def test_a_line_without_end_is_masked_at_once(piece: str) -> None:
    """A pattern that looked for schemes from every character on took half a minute for 64 KiB."""
    line = piece * (262_144 // len(piece))
    began = time.process_time()
    clean = Redactor()(f"{line} https://u:p@host")
    assert time.process_time() - began < 1
    assert clean.endswith(f" https://{MASK}@host")
