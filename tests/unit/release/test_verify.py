# SPDX-License-Identifier: Apache-2.0
"""A release verifies as made, and whatever is changed in it is refused."""

from __future__ import annotations

import base64
import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.digest import sha256_bytes
from runner.errors import VerificationError
from runner.release import keys
from runner.release.dsse import PAYLOAD_TYPE, pae, parse_envelope
from runner.release.files import checksums_text
from runner.release.manifest import decode_manifest
from runner.release.provenance import encode_statement, provenance_for
from runner.release.sign import key_signer, load_signer
from runner.release.sigstore import sigstore_bundles
from runner.release.verify import verify_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.release.conftest import MakeSample, Sample

STEM = "tiny.x86_64-1.0.0"
MANIFEST = f"{STEM}.manifest.json"
INTOTO = f"{STEM}.intoto.jsonl"
SIGSTORE = f"{STEM}.sigstore.json"
FILES = (
    "SHA256SUMS",
    "kiwi.result.json",
    f"{STEM}.boot.log",
    INTOTO,
    f"{STEM}.lock.json",
    f"{STEM}.log",
    MANIFEST,
    f"{STEM}.packages",
    SIGSTORE,
    f"{STEM}.squashfs",
)


def refused(sample: Sample, match: str | None = None) -> None:
    with pytest.raises(VerificationError, match=match):
        verify_directory(sample.directory, sample.key.public)


def statement_of(sample: Sample) -> dict[str, Any]:
    envelope = json.loads((sample.directory / INTOTO).read_bytes())
    statement: dict[str, Any] = json.loads(base64.b64decode(envelope["payload"]))
    return statement


def resign(sample: Sample, statement: dict[str, Any]) -> None:
    """Sign ``statement`` with the right key: what is then refused is refused for its content."""
    line = load_signer(sample.key.private).attest(json.dumps(statement).encode())
    (sample.directory / INTOTO).write_bytes(line + b"\n")
    (sample.directory / SIGSTORE).write_bytes(sigstore_bundles(parse_envelope(line))[0])


def resign_manifest(sample: Sample, manifest: dict[str, Any]) -> None:
    """Store ``manifest`` and a statement about it, both made by an insider with the key."""
    data = json.dumps(manifest).encode()
    (sample.directory / MANIFEST).write_bytes(data)
    statement = statement_of(sample)
    for subject in statement["subject"]:
        if subject["name"] == MANIFEST:
            subject["digest"]["sha256"] = sha256_bytes(data)
    resign(sample, statement)


def load_manifest(sample: Sample) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((sample.directory / MANIFEST).read_bytes())
    return manifest


def test_round_trip_reports_what_was_checked(sample: Sample) -> None:
    report = verify_directory(sample.directory, sample.key.public)

    assert tuple(sorted(path.name for path in sample.directory.iterdir())) == FILES
    assert sample.release.files == FILES
    assert report.manifest == sample.release.manifest
    assert report.manifest_digest == sample.release.manifest_digest
    assert report.manifest_digest == sha256_bytes((sample.directory / MANIFEST).read_bytes())
    assert report.keyid == sample.key.keyid
    assert {name for name, _ in report.files} == set(FILES) - {"SHA256SUMS", INTOTO, SIGSTORE, MANIFEST}
    text = "\n".join(report.checks)
    for word in ("signature", "SLSA", "schema", "SHA256SUMS", *(name for name, _ in report.files)):
        assert word in text


def test_resigned_without_a_change_still_verifies(sample: Sample) -> None:
    """Guards the helpers of this module: they change nothing by themselves."""
    resign_manifest(sample, load_manifest(sample))
    verify_directory(sample.directory, sample.key.public)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(
            lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :],
            id="bit",
        ),
        pytest.param(lambda data: data[:-2], id="truncated"),
        pytest.param(lambda data: data[:0], id="empty"),
        pytest.param(lambda data: data + b"x", id="longer"),
        pytest.param(lambda data: data + data, id="twice"),
    ],
)
def test_each_file_tampered_with(sample: Sample, name: str, tamper: Callable[[bytes], bytes]) -> None:
    path = sample.directory / name
    path.write_bytes(tamper(path.read_bytes()))
    refused(sample)


@pytest.mark.parametrize("name", FILES)
def test_each_file_missing(sample: Sample, name: str) -> None:
    (sample.directory / name).unlink()
    refused(sample)


@pytest.mark.parametrize("name", FILES)
def test_each_file_as_a_link_to_the_right_bytes(sample: Sample, name: str, tmp_path: Path) -> None:
    (sample.directory / name).rename(tmp_path / "elsewhere")
    (sample.directory / name).symlink_to(tmp_path / "elsewhere")
    refused(sample, "refused")


@pytest.mark.parametrize("name", FILES)
def test_each_file_swapped_for_that_of_another_release(make_sample: MakeSample, name: str) -> None:
    mine, other = make_sample("mine"), make_sample("other")
    same = (mine.directory / name).read_bytes() == (other.directory / name).read_bytes()
    shutil.copyfile(other.directory / name, mine.directory / name)
    if same:  # images, lists, lock and SHA256SUMS of two builds are equal: that is the promise
        verify_directory(mine.directory, mine.key.public)
    else:
        refused(mine)
    assert same == (name not in {MANIFEST, INTOTO, SIGSTORE})


def test_a_release_of_another_version_under_our_names(make_sample: MakeSample) -> None:
    mine, newer = make_sample("mine"), make_sample("newer", version="2.0.0")
    for path in newer.directory.iterdir():
        shutil.copyfile(path, mine.directory / path.name.replace("2.0.0", "1.0.0"))
    refused(mine)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from _paths(child, (*path, key))


def _flip(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return value[:-1] + ("0" if value[-1:] != "0" else "1")
        case list():
            return [*value, *value] if value else ["x"]
        case _:
            return {**value, "unknown": 1}


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def test_every_field_of_the_manifest_flipped_or_removed(sample: Sample) -> None:
    original = (sample.directory / MANIFEST).read_bytes()
    paths = list(_paths(json.loads(original)))
    assert len(paths) > 80
    for path in paths:
        for remove in (False, True):
            manifest = json.loads(original)
            parent = _at(manifest, path[:-1])
            if remove:
                del parent[path[-1]]
            else:
                parent[path[-1]] = _flip(parent[path[-1]])
            (sample.directory / MANIFEST).write_text(json.dumps(manifest))
            refused(sample)
    (sample.directory / MANIFEST).write_bytes(original)
    verify_directory(sample.directory, sample.key.public)


def test_every_field_of_the_statement_flipped_breaks_the_signature(sample: Sample) -> None:
    envelope = json.loads((sample.directory / INTOTO).read_bytes())
    for path in _paths(statement_of(sample)):
        statement = statement_of(sample)
        parent = _at(statement, path[:-1])
        parent[path[-1]] = _flip(parent[path[-1]])
        envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
        (sample.directory / INTOTO).write_text(json.dumps(envelope) + "\n")
        refused(sample, "signature does not match")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_one_byte_changed_in_the_signed_texts(sample: Sample, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([MANIFEST, INTOTO, "SHA256SUMS"]))
    original = (sample.directory / name).read_bytes()
    at = data.draw(st.integers(0, len(original) - 2))
    same = next((pair for pair in (b"+-", b"/_") if original[at] in pair), original[at : at + 1])
    new = data.draw(st.integers(0, 255).filter(lambda value: value not in same))
    try:
        (sample.directory / name).write_bytes(original[:at] + bytes([new]) + original[at + 1 :])
        refused(sample)
    finally:
        (sample.directory / name).write_bytes(original)


def test_a_key_that_did_not_sign(sample: Sample, tmp_path: Path) -> None:
    stranger = keys.generate(tmp_path / "stranger")
    with pytest.raises(VerificationError, match="not signed by this key"):
        verify_directory(sample.directory, stranger.public)


def _envelope(sample: Sample) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads((sample.directory / INTOTO).read_bytes())
    return envelope


def _store(sample: Sample, envelope: dict[str, Any]) -> None:
    (sample.directory / INTOTO).write_text(json.dumps(envelope) + "\n")


def test_a_strangers_signature_under_our_key_id(sample: Sample, tmp_path: Path) -> None:
    stranger = keys.load_private(keys.generate(tmp_path / "stranger").private)
    envelope = _envelope(sample)
    payload = base64.b64decode(envelope["payload"])
    envelope["signatures"][0]["sig"] = base64.b64encode(stranger.sign(pae(PAYLOAD_TYPE, payload))).decode()
    _store(sample, envelope)
    refused(sample, "signature does not match")


def test_a_second_signature_by_another_key_does_no_harm_and_does_not_help(sample: Sample, tmp_path: Path) -> None:
    stranger = keys.generate(tmp_path / "stranger")
    envelope = _envelope(sample)
    payload = base64.b64decode(envelope["payload"])
    second = json.loads(load_signer(stranger.private).attest(payload))["signatures"][0]
    envelope["signatures"] = [second, *envelope["signatures"]]
    _store(sample, envelope)
    verify_directory(sample.directory, sample.key.public)
    verify_directory(sample.directory, stranger.public)

    envelope["signatures"] = [second]
    _store(sample, envelope)
    refused(sample, "not signed by this key")


def test_two_signatures_by_one_key(sample: Sample) -> None:
    envelope = _envelope(sample)
    envelope["signatures"] *= 2
    _store(sample, envelope)
    refused(sample, "2 signatures claim")


def test_no_signature_at_all(sample: Sample) -> None:
    envelope = _envelope(sample)
    envelope["signatures"] = []
    _store(sample, envelope)
    refused(sample, "not signed by this key")


@pytest.mark.parametrize("field", ["keyid", "sig"])
def test_a_signature_without(sample: Sample, field: str) -> None:
    envelope = _envelope(sample)
    del envelope["signatures"][0][field]
    _store(sample, envelope)
    refused(sample, "not a DSSE envelope")


def test_a_signature_over_the_bare_payload_is_none_over_the_envelope(sample: Sample) -> None:
    private = keys.load_private(sample.key.private)
    envelope = _envelope(sample)
    envelope["signatures"][0]["sig"] = base64.b64encode(
        private.sign(base64.b64decode(envelope["payload"]))
    ).decode()
    _store(sample, envelope)
    refused(sample, "signature does not match")


def test_another_payload_type_even_when_signed(sample: Sample) -> None:
    private = keys.load_private(sample.key.private)
    envelope = _envelope(sample)
    message = pae("text/plain", base64.b64decode(envelope["payload"]))
    envelope["payloadType"] = "text/plain"
    envelope["signatures"][0]["sig"] = base64.b64encode(private.sign(message)).decode()
    _store(sample, envelope)
    refused(sample, "unknown payload type")


def test_both_base64_alphabets_are_read(sample: Sample) -> None:
    envelope = _envelope(sample)
    envelope["payload"] = base64.urlsafe_b64encode(base64.b64decode(envelope["payload"])).decode()
    signature = envelope["signatures"][0]
    signature["sig"] = base64.urlsafe_b64encode(base64.b64decode(signature["sig"])).decode()
    _store(sample, envelope)
    [bundle] = sigstore_bundles(parse_envelope(json.dumps(envelope).encode()))
    (sample.directory / SIGSTORE).write_bytes(bundle)
    verify_directory(sample.directory, sample.key.public)


@pytest.mark.parametrize("junk", ["\n", " ", "=", "%", "é"])
def test_base64_with_junk(sample: Sample, junk: str) -> None:
    envelope = _envelope(sample)
    envelope["payload"] += junk
    _store(sample, envelope)
    refused(sample, "base64")


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(statement: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        target: Any = statement
        for key in parents:
            target = target[int(key) if key.isdigit() else key]
        target[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_set("_type", "https://in-toto.io/Statement/v0.1"), "unknown statement type"),
        (_set("predicateType", "https://slsa.dev/provenance/v0.2"), "unknown predicate"),
        (_set("predicate.buildDefinition.buildType", "urn:other"), "unknown build type"),
        (_set("predicate.buildDefinition.externalParameters.debug", "yes"), "malformed"),
        (_set("predicate.buildDefinition.externalParameters.arch", "aarch64"), "external parameters"),
        (_set("predicate.buildDefinition.externalParameters.repository", "https://e.example/r"), "external param"),
        (_set("predicate.buildDefinition.externalParameters.ref", "refs/heads/x"), "external parameters"),
        (_set("predicate.buildDefinition.externalParameters.path", "."), "external parameters"),
        (_set("predicate.buildDefinition.externalParameters.profile", []), "external parameters"),
        (_set("predicate.buildDefinition.externalParameters.type", "iso"), "external parameters"),
        (_set("predicate.runDetails.builder.id", "urn:other"), "builder"),
        (_set("predicate.runDetails.metadata.invocationId", "urn:other"), "build id"),
        (_set("subject", []), "manifest digest"),
        (_set("subject.0.digest", {}), "malformed"),
        (_set("subject.0.digest.sha256", "0" * 64), "does not match"),
        (_set("subject.0.name", "other"), "does not match"),
        (lambda statement: statement["subject"].append(statement["subject"][0]), "twice"),
        (lambda statement: statement["subject"].pop(0), "does not match"),
    ],
)
def test_signed_by_us_but_not_what_we_say(
    sample: Sample, change: Callable[[dict[str, Any]], None], why: str
) -> None:
    statement = statement_of(sample)
    change(statement)
    resign(sample, statement)
    refused(sample, why)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"_type": 1}'])
def test_signed_nonsense(sample: Sample, payload: bytes) -> None:
    (sample.directory / INTOTO).write_bytes(load_signer(sample.key.private).attest(payload) + b"\n")
    refused(sample)


@pytest.mark.parametrize("data", [b"", b"\n", b"{", b"[]\n", b"\xff\xfe", b"[" * 100_000, b"\0" * 64])
@pytest.mark.parametrize("name", [INTOTO, MANIFEST])
def test_nonsense_in_place_of(sample: Sample, name: str, data: bytes) -> None:
    (sample.directory / name).write_bytes(data)
    refused(sample)


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "a/b", "..", ".", "", "-rf", ".hidden", "a\nb", "a\\b", "x\n", "a\0b", "x" * 256],
)
def test_names_that_lead_elsewhere_are_refused_even_when_signed(sample: Sample, name: str) -> None:
    manifest = load_manifest(sample)
    manifest["artifacts"][0]["name"] = name
    resign_manifest(sample, manifest)
    refused(sample, "does not follow its schema")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("unknown", 1),
        ("schema", "urn:packhouse:schema:manifest:v2"),
        ("mediaType", "application/json"),
        ("build.attempt", 1.5),
        ("build.attempt", 1.0),
        ("build.attempt", -1),
        ("build.attempt", True),
        ("build.startedOn", "2026-11-23T21:30:00+01:00"),
        ("build.startedOn", "2026-11-23T20:30:00Z\n"),
        ("build.trigger", "magic"),
        ("builder.isolation", "none"),
        ("builder.identity", "squashed"),
        ("builder.network", "on"),
        ("builder.host.name", "build7"),
        ("source.path", "../up"),
        ("source.path", "/abs"),
        ("source.path", "a//b"),
        ("source.path", "a/./b"),
        ("source.path", "a/"),
        ("source.digest.gitCommit", "3" * 41),
        ("artifacts.0.digest.sha256", "A" * 64),
        ("artifacts.0.digest.md5", "0" * 32),
        ("log.blob", "0" * 64),
    ],
)
def test_the_schema_is_strict_even_when_signed(sample: Sample, path: str, value: Any) -> None:
    manifest = load_manifest(sample)
    manifest["builder"].setdefault("host", {"os": "debian 12", "kernel": "6.1", "arch": "x86_64"})
    _set(path, value)(manifest)
    resign_manifest(sample, manifest)
    refused(sample, "does not follow its schema")


def test_a_manifest_that_says_unsigned(sample: Sample) -> None:
    manifest = load_manifest(sample)
    manifest["signature"] = "none"
    resign_manifest(sample, manifest)
    refused(sample, "signature kind")


def test_a_manifest_that_knows_of_no_attestation(sample: Sample) -> None:
    manifest = load_manifest(sample)
    del manifest["attestations"]
    resign_manifest(sample, manifest)
    refused(sample, "attestations does not match")


def test_a_size_that_is_wrong_even_when_signed(sample: Sample) -> None:
    manifest = load_manifest(sample)
    manifest["artifacts"][0]["size"] += 1
    resign_manifest(sample, manifest)
    refused(sample, "refused")


def test_a_release_signed_under_the_name_of_another(sample: Sample) -> None:
    statement = statement_of(sample)
    for subject in statement["subject"]:
        if subject["name"] == MANIFEST:
            subject["name"] = "big.manifest.json"
    resign(sample, statement)
    (sample.directory / MANIFEST).rename(sample.directory / "big.manifest.json")
    (sample.directory / INTOTO).rename(sample.directory / "big.intoto.jsonl")
    refused(sample, "file name of the manifest")


def test_two_releases_in_one_directory(make_sample: MakeSample) -> None:
    one, two = make_sample("one"), make_sample("two", version="2.0.0")
    for path in two.directory.iterdir():
        shutil.copyfile(path, one.directory / path.name)
    refused(one, "several releases")


def test_an_artifact_named_twice(sample: Sample) -> None:
    manifest = load_manifest(sample)
    manifest["artifacts"].append(manifest["artifacts"][0])
    resign_manifest(sample, manifest)
    refused(sample, "names an artifact twice")


@pytest.mark.parametrize("name", ["other.raw", ".hidden", "x.manifest.json", f"{STEM}.intoto.jsonl.bak"])
def test_an_extra_file(sample: Sample, name: str) -> None:
    (sample.directory / name).write_bytes(b"boot me")
    refused(sample)


def test_an_extra_directory_link_fifo(sample: Sample) -> None:
    extra = sample.directory / "extra"
    extra.mkdir()
    refused(sample, "'extra' is refused")
    extra.rmdir()
    extra.symlink_to("/etc/passwd")
    refused(sample, "'extra' is refused")
    extra.unlink()
    os.mkfifo(extra)
    refused(sample, "'extra' is refused")


@pytest.mark.parametrize("change", ["", "{digest}  extra\n", "order"])
def test_checksums_incomplete_or_more_than_complete(sample: Sample, change: str) -> None:
    path = sample.directory / "SHA256SUMS"
    lines = path.read_text().splitlines(keepends=True)
    match change:
        case "":
            lines.pop()
        case "order":
            lines.reverse()
        case _:
            lines.append(change.format(digest="0" * 64))
    path.write_text("".join(lines))
    refused(sample, "SHA256SUMS")


def test_unsigned_release(make_sample: MakeSample) -> None:
    plain = make_sample("plain", signed=False)
    assert not plain.release.signed
    assert not (plain.directory / INTOTO).exists()
    assert plain.release.manifest.signature == "none"
    assert plain.release.manifest.attestations == ()
    refused(plain, "not signed")


def test_an_attestation_beside_the_right_one(sample: Sample) -> None:
    path = sample.directory / INTOTO
    path.write_bytes(path.read_bytes() * 2)
    refused(sample, "holds 2 attestations")


@pytest.mark.parametrize("place", ["missing", "file", "empty"])
def test_no_release_there(tmp_path: Path, key: keys.KeyPair, place: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(VerificationError):
        verify_directory(tmp_path / place, key.public)


def test_a_key_that_is_none(sample: Sample, tmp_path: Path) -> None:
    (tmp_path / "bad.pub").write_text("hello")
    for name in ("bad.pub", "missing.pub", "."):
        with pytest.raises(VerificationError):
            verify_directory(sample.directory, tmp_path / name)


def test_a_bug_of_ours_is_a_refusal(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: bytes) -> None:
        raise ZeroDivisionError(len(data))

    monkeypatch.setattr("runner.release.verify.decode_provenance", broken)
    refused(sample, "could not be verified")


def test_the_helpers_of_an_insider_need_the_key(sample: Sample, tmp_path: Path) -> None:
    """A consistent release by somebody else is refused for its signature alone."""
    stranger = keys.load_private(keys.generate(tmp_path / "stranger").private)
    data = (sample.directory / MANIFEST).read_bytes()
    statement = provenance_for(decode_manifest(data), name=MANIFEST, sha256=sha256_bytes(data))
    (sample.directory / INTOTO).write_bytes(key_signer(stranger).attest(encode_statement(statement)) + b"\n")
    refused(sample, "not signed by this key")


def test_checksums_text_is_sorted_and_ends_each_line() -> None:
    assert checksums_text({"b": "2" * 64, "a": "1" * 64}) == f"{'1' * 64}  a\n{'2' * 64}  b\n".encode()
    assert checksums_text({}) == b""
