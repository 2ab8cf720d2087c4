# SPDX-License-Identifier: Apache-2.0
"""The manifest says what it must, nothing it must not, and its schema agrees with its reader."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from runner.digest import sha256_bytes
from runner.errors import VerificationError
from runner.release.buildkey import BuildKey
from runner.release.host import current_host
from runner.release.manifest import decode_manifest, encode_manifest, manifest_schema
from runner.release.wire import timestamp

if TYPE_CHECKING:
    from tests.unit.release.conftest import Sample


def _json(sample: Sample) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(encode_manifest(sample.release.manifest))
    return value


def test_facts(sample: Sample) -> None:
    manifest = _json(sample)
    assert manifest["image"] == {
        "name": "tiny",
        "version": "1.0.0",
        "arch": "x86_64",
        "type": "squashfs",
        "profile": ["Slim", "Test"],
    }
    assert manifest["build"]["startedOn"] == "2026-11-23T20:30:00Z"
    assert manifest["build"]["key"] == sample.inputs.facts.build_key
    assert manifest["build"]["reproducible"] == {"sourceDateEpoch": 1763900000, "exceptions": ["btrfs"]}
    assert manifest["source"] == {
        "uri": "git+https://forge.example.org/o/r.git@refs/heads/main",
        "repository": "https://forge.example.org/o/r.git",
        "ref": "refs/heads/main",
        "digest": {"gitCommit": "3" * 40, "gitTree": "2" * 40},
        "path": "images/tiny",
        "dirty": False,
    }
    assert manifest["inputs"]["unsignedRepositories"] == ["own"]
    assert manifest["inputs"]["packages"]["count"] == 1
    assert manifest["inputs"]["lock"]["blob"] == f"sha256:{sha256_bytes(sample.inputs.lock_file)}"
    builder = manifest["builder"]
    assert (builder["isolation"], builder["identity"]) == ("bwrap", "subuid")
    assert builder["skippedChecks"] == ["unsigned-repositories"]
    assert builder["toolchain"] == [{"name": "mksquashfs", "version": "4.5.1", "digest": "d" * 64}]
    assert manifest["artifacts"][-1]["uncompressed"]["size"] == manifest["artifacts"][-1]["size"]
    assert manifest["log"]["name"] == "tiny.x86_64-1.0.0.log"


def test_no_float_and_no_null_anywhere(sample: Sample) -> None:
    def walk(value: Any) -> None:
        assert isinstance(value, str | int | bool | dict | list), value
        for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(child)

    walk(_json(sample))


def test_no_secret_and_no_path_of_this_machine(sample: Sample) -> None:
    for path in sample.directory.iterdir():
        if path.suffix == ".json" and path.name.endswith(".lock.json"):
            continue  # the lock is not ours to write: its URLs come without credentials
        text = path.read_text(errors="replace")
        assert "secret" not in text
        assert str(sample.directory.parent) not in text


def test_encoding_round_trip_is_stable(sample: Sample) -> None:
    data = encode_manifest(sample.release.manifest)
    assert decode_manifest(data) == sample.release.manifest
    assert encode_manifest(decode_manifest(data)) == data
    assert data.endswith(b"}\n")


def test_the_json_schema_accepts_it_and_refuses_more(sample: Sample) -> None:
    schema = manifest_schema()
    jsonschema.Draft202012Validator.check_schema(json.loads(json.dumps(schema)))
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(schema)))
    manifest = _json(sample)
    validator.validate(manifest)
    for path, value in (("unknown", 1), ("schema", "x"), ("signature", "maybe")):
        assert not validator.is_valid(manifest | {path: value})
    manifest["artifacts"][0]["name"] = "../x"
    assert not validator.is_valid(manifest)


def test_the_optional_fields_of_later_stages_are_read(sample: Sample) -> None:
    manifest = _json(sample)
    blob, sha = "sha256:" + "0" * 64, {"sha256": "0" * 64}
    manifest["sbom"] = [{"format": "cyclonedx", "specVersion": "1.6", "blob": blob, "size": 0}]
    manifest["compare"] = {
        "previous": blob,
        "sizeDelta": -5,
        "packagesAdded": 0,
        "packagesRemoved": 1,
        "packagesUpdated": 2,
        "changes": {"name": "x.changes.json", "blob": blob, "size": 0, "mediaType": "application/json"},
    }
    manifest["image"] |= {"release": "20261123.1", "format": "raw"}
    manifest["build"]["reproducible"] |= {"rebuilds": 2, "identical": True}
    manifest["source"]["verified"] = {"mode": "HEAD", "scheme": "ssh", "fingerprint": "SHA256:x", "signer": "a"}
    manifest["artifacts"][0]["chunks"] = {"algorithm": "sha256", "size": 4194304, "blob": blob, "count": 1}
    manifest["artifacts"][0]["deltas"] = [
        {"from": sha, "algorithm": "zstd-patch-from", "windowLog": 30, "blob": blob, "size": 1}
    ]
    decoded = decode_manifest(json.dumps(manifest).encode())
    assert json.loads(encode_manifest(decoded)) == manifest
    jsonschema.Draft202012Validator(json.loads(json.dumps(manifest_schema()))).validate(manifest)


def test_errors_name_the_field(sample: Sample) -> None:
    manifest = _json(sample)
    manifest["artifacts"][1]["size"] = "big"
    with pytest.raises(VerificationError) as caught:
        decode_manifest(json.dumps(manifest).encode(), where="x.manifest.json")
    assert "$.artifacts[1].size" in str(caught.value)
    assert "x.manifest.json" in str(caught.value)


def test_timestamps_carry_a_zone() -> None:
    assert timestamp(datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)) == "2026-01-02T03:04:05Z"
    with pytest.raises(ValueError, match="zone"):
        timestamp(datetime(2026, 1, 2))  # noqa: DTZ001 - the mistake under test


def test_every_input_changes_the_build_key() -> None:
    base: dict[str, Any] = {
        "tree": "1",
        "plan": "2",
        "lock": "3",
        "builder": "4",
        "version": "5",
        "toolchain": (),
    }
    digests = {BuildKey(**base).digest}
    for field in BuildKey.__struct_fields__:
        digests.add(BuildKey(**(base | {field: None if field == "tree" else base[field] * 2 or ("t",)})).digest)
    assert len(digests) == 1 + len(BuildKey.__struct_fields__)


def test_host_facts_without_its_name() -> None:
    host = current_host()
    assert host.os
    assert host.kernel
    assert host.arch
