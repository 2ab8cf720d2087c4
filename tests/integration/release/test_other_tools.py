# SPDX-License-Identifier: Apache-2.0
"""openssl, coreutils, a shell and securesystemslib judge a release as we do."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError as TheirVerificationError
from securesystemslib.signer import SSlibKey

from runner.create.image import Image, ResultFile
from runner.digest import canonical_json
from runner.errors import BuildError, VerificationError
from runner.packages.lock import Lock, Solver
from runner.plan.model import DescriptionRef, ImageIdentity, PackageRequest, Plan, TypePlan
from runner.process import run, tool_environment
from runner.release import keys
from runner.release.assemble import make_release
from runner.release.dsse import PAYLOAD_TYPE, pae
from runner.release.inputs import BuildFacts, ReleaseInputs
from runner.release.sign import load_signer
from runner.release.verify import verify_directory
from runner.sources.checkout import Checkout

if TYPE_CHECKING:
    from runner.release.inputs import Release

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[3] / "docs" / "releases.md"
PASSPHRASE = "correct horse battery"


def _inputs(directory: Path) -> ReleaseInputs:
    lock = Lock(
        request="1" * 64,
        description="a" * 64,
        arch="amd64",
        epoch=1_763_900_000,
        solver=Solver(name="apt", version="2.6.1", recommends=False),
        toolchain=(),
        repositories=(),
        packages=(),
    )
    plan = Plan(
        image=ImageIdentity(name="tiny", version="1.0.0"),
        arch="x86_64",
        profiles=(),
        type=TypePlan(image="squashfs"),
        packages=PackageRequest(manager="apt", arch="amd64", repositories=()),
        description=DescriptionRef(kiwi_file="appliance.kiwi", digest="a" * 64),
    )
    data = {
        ".squashfs": b"not really a squashfs" * 5000,
        ".packages": b"base-files|(none)|12|(none)|amd64|deb|GPL\n",
    }
    for suffix, content in data.items():
        (directory / f"{plan.stem}{suffix}").write_bytes(content)
    (directory / "kiwi.result.json").write_text("{}\n")
    return ReleaseInputs(
        plan=plan,
        lock=lock,
        lock_file=canonical_json([lock]),
        checkout=Checkout(
            url="https://forge.example.org/o/r",
            ref="v1",
            resolved_ref="refs/tags/v1",
            commit="3" * 40,
            tree="2" * 40,
            commit_time=1,
            dirty=False,
            work_tree=directory,
        ),
        image=Image(
            key="4" * 64,
            files=tuple(
                ResultFile(
                    name=f"{plan.stem}{suffix}",
                    role=suffix[1:],
                    media_type="application/octet-stream",
                    sha256=sha256(content).hexdigest(),
                    size=len(content),
                )
                for suffix, content in data.items()
            ),
        ),
        facts=BuildFacts(
            build_id="019aa7c6-1111-7222-8333-444455556666",
            build_key="5" * 64,
            started=datetime(2026, 11, 23, 20, 30, tzinfo=UTC),
            finished=datetime(2026, 11, 23, 20, 31, tzinfo=UTC),
            isolation="chroot",
            identity="root",
            runner_version="0.1.0",
        ),
    )


def _release(tmp_path: Path, key: Path, passphrase: str | None = None) -> Release:
    directory = tmp_path / "out"
    directory.mkdir()
    return make_release(_inputs(directory), directory, load_signer(key, passphrase))


def _openssl(*arguments: str | Path, stdin: bytes | None = None) -> bytes:
    return run(["openssl", *arguments], stdin=stdin).stdout


def _envelope(release: Release) -> bytes:
    (name,) = (name for name in release.files if name.endswith(".intoto.jsonl"))
    return (release.directory / name).read_bytes()


def test_a_sigstore_bundle_holds_what_others_verify(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release")
    release = _release(tmp_path, pair.private)
    (name,) = (name for name in release.files if name.endswith(".sigstore.json"))
    bundle = json.loads((release.directory / name).read_bytes())
    assert bundle["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert bundle["verificationMaterial"] == {"publicKey": {"hint": pair.keyid}, "tlogEntries": []}
    key = SSlibKey.from_crypto(keys.load_private(pair.private).public_key(), pair.keyid)
    envelope = Envelope.from_dict(bundle["dsseEnvelope"])
    assert list(envelope.verify([key], 1)) == [pair.keyid]
    assert len(bundle["dsseEnvelope"]["signatures"]) == 1


def test_openssl_reads_the_keys_and_agrees_on_the_id(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release")
    der = _openssl("pkey", "-pubin", "-in", pair.public, "-outform", "DER")
    assert sha256(der).hexdigest() == pair.keyid
    assert _openssl("pkey", "-in", pair.private, "-pubout", "-outform", "DER") == der
    assert b"ED25519" in _openssl("pkey", "-in", pair.private, "-noout", "-text")


def test_openssl_reads_a_key_under_a_passphrase(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release", PASSPHRASE)
    public = _openssl("pkey", "-in", pair.private, "-passin", "stdin", "-pubout", stdin=PASSPHRASE.encode())
    assert public == pair.public.read_bytes()
    with pytest.raises(BuildError):
        _openssl("pkey", "-in", pair.private, "-passin", "stdin", "-noout", stdin=b"wrong")


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_keys_of_openssl_sign_and_verify(tmp_path: Path, passphrase: str | None) -> None:
    private, public = tmp_path / "own", tmp_path / "own.pub"
    cipher = ("-aes256", "-pass", "stdin") if passphrase else ()
    secret = passphrase.encode() if passphrase else None
    _openssl("genpkey", "-algorithm", "ed25519", *cipher, "-out", private, stdin=secret)
    _openssl(
        "pkey", "-in", private, *(("-passin", "stdin") if secret else ()), "-pubout", "-out", public, stdin=secret
    )
    release = _release(tmp_path, private, passphrase)
    assert verify_directory(release.directory, public).manifest_digest == release.manifest_digest


def test_openssl_verifies_the_signature_over_the_encoding(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release")
    envelope = json.loads(_envelope(_release(tmp_path, pair.private)))
    message, signature = tmp_path / "message", tmp_path / "signature"
    signature.write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    command = (
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        pair.public,
        "-rawin",
        "-in",
        message,
        "-sigfile",
        signature,
    )

    message.write_bytes(pae(PAYLOAD_TYPE, base64.b64decode(envelope["payload"])))
    assert b"Signature Verified Successfully" in _openssl(*command)
    message.write_bytes(message.read_bytes() + b" ")
    with pytest.raises(BuildError):
        _openssl(*command)


def test_securesystemslib_verifies_the_envelope(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release")
    stranger = keys.generate(tmp_path / "stranger")
    line = _envelope(_release(tmp_path, pair.private))

    def their_key(private: Path, keyid: str) -> SSlibKey:
        return SSlibKey.from_crypto(keys.load_private(private).public_key(), keyid)

    accepted = Envelope.from_dict(json.loads(line)).verify([their_key(pair.private, pair.keyid)], 1)
    assert list(accepted) == [pair.keyid]
    with pytest.raises(TheirVerificationError):
        Envelope.from_dict(json.loads(line)).verify([their_key(stranger.private, pair.keyid)], 1)


def test_sha256sum_checks_the_sums(tmp_path: Path) -> None:
    release = _release(tmp_path, keys.generate(tmp_path / "release").private)
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    said = run(command, cwd=release.directory).stdout.decode().splitlines()
    assert said == [f"{artifact.name}: OK" for artifact in release.manifest.artifacts]
    (release.directory / "kiwi.result.json").write_text("{} \n")
    with pytest.raises(BuildError):
        run(command, cwd=release.directory)


def _documented() -> tuple[str, str]:
    """Return the script of the documentation and the output it promises."""
    text = DOCS.read_text()
    found = re.search(r"<!-- run by tests[^\n]*\n```sh\n(.*?)```\n\nIt prints\n\n```\n(.*?)```", text, re.DOTALL)
    assert found
    return found[1], found[2]


def test_the_documented_script_accepts_and_refuses(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release")
    release = _release(tmp_path, pair.private)
    script, promised = _documented()
    env = tool_environment({"KEY": str(pair.public), "TMPDIR": str(tmp_path)})

    assert run(["sh", "-c", script], cwd=release.directory, env=env).stdout.decode() == promised

    stranger = tool_environment({"KEY": str(keys.generate(tmp_path / "s").public), "TMPDIR": str(tmp_path)})
    with pytest.raises(BuildError):
        run(["sh", "-c", script], cwd=release.directory, env=stranger)
    for name in release.files:
        path = release.directory / name
        original = path.read_bytes()
        path.write_bytes(original[:-9] + b"x" + original[-8:])
        with pytest.raises(VerificationError):
            verify_directory(release.directory, pair.public)
        if not name.endswith(("SHA256SUMS", ".sigstore.json")):  # which that script does not read
            with pytest.raises(BuildError):
                run(["sh", "-c", script], cwd=release.directory, env=env)
        path.write_bytes(original)
    verify_directory(release.directory, pair.public)


def test_the_documented_key_id(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release")
    found = re.search(r"```sh\n(openssl pkey [^\n]*)\n```", DOCS.read_text())
    assert found
    assert run(["sh", "-c", found[1]], cwd=tmp_path).stdout.decode().split()[0] == pair.keyid


def test_signing_leaves_no_secret_where_others_look(tmp_path: Path) -> None:
    pair = keys.generate(tmp_path / "release", PASSPHRASE)
    body = "".join(pair.private.read_text().splitlines()[1:-1])
    release = _release(tmp_path, pair.private, PASSPHRASE)
    for name in release.files:
        text = (release.directory / name).read_text(errors="replace")
        assert PASSPHRASE not in text
        assert body not in text
