# SPDX-License-Identifier: Apache-2.0
"""Check a release with nothing but a public key and the directory: no network, no clock, no other state.

Order matters: the signature first, then what the signed statement names, then what the manifest names; nothing is
parsed before its digest or signature held, and the directory may hold nothing that is not named. Whatever goes
wrong on the way, also a bug of ours, is a refusal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.digest import sha256_bytes
from runner.errors import Location, PackhouseError, VerificationError
from runner.release.dsse import parse_envelope, verified_payload
from runner.release.files import CHECKSUMS, MANIFEST_SUFFIX, ReleaseNames, checksums_text
from runner.release.keys import load_public
from runner.release.manifest import decode_manifest
from runner.release.provenance import (
    PREDICATE_TYPE,
    decode_provenance,
    external_parameters,
    invocation_id,
    subjects_of,
)
from runner.release.sealed import SealedDirectory
from runner.release.sigstore import sigstore_bundles

if TYPE_CHECKING:
    from pathlib import Path

    from runner.release.keys import PublicKey
    from runner.release.manifest import Manifest
    from runner.release.provenance import ProvenanceStatement

_LARGEST_TEXT = 16 << 20
"""Bytes of a manifest, attestation file or SHA256SUMS at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """A release that passed every check.

    Attributes:
        keyid: of the key that signed it.
        manifest_digest: hexadecimal SHA-256.
        files: name and SHA-256 of every artifact and log, in the manifest's order.
        checks: what was checked, one sentence each, in order.
    """

    directory: Path
    manifest: Manifest
    manifest_name: str
    manifest_digest: str
    keyid: str
    files: tuple[tuple[str, str], ...]
    checks: tuple[str, ...]


def verify_directory(directory: Path, public_key: Path) -> VerifyReport:
    """Verify the release in ``directory`` with the public key file ``public_key``.

    Raises:
        VerificationError: anything at all is not as it must be, the key file included.
    """
    try:
        key = load_public(public_key)
        with SealedDirectory.open(directory) as sealed:
            return _Verification(directory, sealed, key).run()
    except VerificationError as error:
        if error.where is None:
            error.where = Location(directory)
        raise
    except PackhouseError as error:
        raise VerificationError(error.what, where=error.where, why=error.why, hint=error.hint) from error
    except Exception as error:
        raise VerificationError(
            "the release could not be verified, so it is refused",
            where=Location(directory),
            why=f"{type(error).__name__}: {error}",
        ) from error


class _Verification:
    """One run over one directory. Each step raises or leaves a line in ``checks``."""

    def __init__(self, directory: Path, sealed: SealedDirectory, key: PublicKey) -> None:
        self._directory = directory
        self._sealed = sealed
        self._key = key
        self._checks: list[str] = []

    def run(self) -> VerifyReport:
        names = self._find()
        statement = self._signed_statement(names)
        manifest, digest = self._manifest(names, statement)
        self._claims(names, manifest, digest, statement)
        self._no_strangers(names, manifest)
        files = self._files(manifest)
        self._checksums(manifest)
        self._sigstore(names)
        return VerifyReport(
            directory=self._directory,
            manifest=manifest,
            manifest_name=names.manifest,
            manifest_digest=digest,
            keyid=self._key.keyid,
            files=files,
            checks=tuple(self._checks),
        )

    def _find(self) -> ReleaseNames:
        manifests = sorted(name for name in self._sealed.names if name.endswith(MANIFEST_SUFFIX))
        if not manifests:
            raise VerificationError("there is no release here", why=f"no file ends in {MANIFEST_SUFFIX}")
        if len(manifests) > 1:
            raise VerificationError("several releases share this directory", why=", ".join(manifests))
        names = ReleaseNames(manifests[0].removesuffix(MANIFEST_SUFFIX))
        if names.attestations not in self._sealed.names:
            raise VerificationError(
                "the release is not signed", why=f"{names.attestations} is missing", hint="build with --sign KEY"
            )
        self._passed("only plain files, one release")
        return names

    def _signed_statement(self, names: ReleaseNames) -> ProvenanceStatement:
        """Return the one statement of the attestation file, parsed from the bytes whose signature held."""
        lines = self._sealed.read(names.attestations, _LARGEST_TEXT).splitlines()
        if len(lines) != 1:
            raise VerificationError(f"{names.attestations} holds {len(lines)} attestations", why="expected one")
        payload = verified_payload(parse_envelope(lines[0]), self._key)
        self._passed(f"signature by key {self._key.keyid}")
        statement = decode_provenance(payload)
        self._passed("in-toto statement v1 with SLSA provenance v1, no unknown parameters")
        return statement

    def _manifest(self, names: ReleaseNames, statement: ProvenanceStatement) -> tuple[Manifest, str]:
        """Return the manifest after its digest was found among the signed subjects."""
        data = self._sealed.read(names.manifest, _LARGEST_TEXT)
        digest = sha256_bytes(data)
        signed = {subject.name: subject.digest.sha256 for subject in statement.subject}
        if len(signed) != len(statement.subject):
            raise VerificationError("the signed statement names a file twice")
        self._equal("manifest digest", digest, signed.get(names.manifest))
        manifest = decode_manifest(data, where=names.manifest)
        self._equal("file name of the manifest", names.stem, manifest.stem)
        self._passed(f"manifest sha256:{digest} is the signed one and follows its schema")
        return manifest, digest

    def _claims(
        self, names: ReleaseNames, manifest: Manifest, digest: str, statement: ProvenanceStatement
    ) -> None:
        """Statement and manifest must tell the same story, whichever a reader looks at."""
        if len({artifact.name for artifact in manifest.artifacts}) != len(manifest.artifacts):
            raise VerificationError("the manifest names an artifact twice")
        predicate = statement.predicate
        run = predicate.run_details
        signed = {subject.name: subject.digest.sha256 for subject in statement.subject}
        self._equal("set of signed files", signed, subjects_of(manifest, name=names.manifest, sha256=digest))
        self._equal(
            "external parameters", predicate.build_definition.external_parameters, external_parameters(manifest)
        )
        self._equal("builder", run.builder.id, manifest.builder.id)
        self._equal("build id", run.metadata.invocation_id, invocation_id(manifest))
        self._equal("signature kind", manifest.signature, "dsse")
        self._equal("attestations", [each.predicate_type for each in manifest.attestations], [PREDICATE_TYPE])
        self._passed("provenance and manifest agree on files, source, parameters, builder and build")

    def _no_strangers(self, names: ReleaseNames, manifest: Manifest) -> None:
        """A file that nobody signed must not lie where it would be booted or shipped with the rest."""
        known = {names.manifest, *names.signatures, CHECKSUMS}
        known.update(artifact.name for artifact in manifest.artifacts)
        known.update(log.name for log in manifest.logs)
        strangers = sorted(self._sealed.names - known)
        if strangers:
            raise VerificationError(
                "files that are not part of the release",
                why=", ".join(repr(name) for name in strangers),
                hint="move them elsewhere; nobody vouches for them",
            )
        self._passed("no file that is not part of the release")

    def _files(self, manifest: Manifest) -> tuple[tuple[str, str], ...]:
        expected = [(artifact.name, artifact.size, artifact.digest.sha256) for artifact in manifest.artifacts]
        expected += [(log.name, log.size, log.blob.removeprefix("sha256:")) for log in manifest.logs]
        for name, size, sha256 in expected:
            self._equal(f"digest of {name}", self._sealed.digest(name, size), sha256)
            self._passed(f"{name}: {size} bytes, sha256:{sha256}")
        return tuple((name, sha256) for name, _, sha256 in expected)

    def _checksums(self, manifest: Manifest) -> None:
        wanted = checksums_text({artifact.name: artifact.digest.sha256 for artifact in manifest.artifacts})
        if self._sealed.read(CHECKSUMS, _LARGEST_TEXT) != wanted:
            raise VerificationError(
                f"{CHECKSUMS} does not match",
                why="it must list exactly the artifacts of the manifest, sorted by name, with their digests",
            )
        self._passed(f"{CHECKSUMS} lists every artifact with its digest")

    def _sigstore(self, names: ReleaseNames) -> None:
        """A bundle must be the signed envelope again, or readers of one and of the other are told two stories."""
        envelope = parse_envelope(self._sealed.read(names.attestations, _LARGEST_TEXT))
        if self._sealed.read(names.sigstore, _LARGEST_TEXT) not in sigstore_bundles(envelope):
            raise VerificationError(
                f"{names.sigstore} does not match", why=f"it must hold what {names.attestations} holds"
            )
        self._passed(f"{names.sigstore} holds the same statement and signature")

    def _equal(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            raise VerificationError(
                f"{what} does not match", why=f"found {_short(found)}, expected {_short(expected)}"
            )

    def _passed(self, check: str) -> None:
        self._checks.append(check)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:200] + "…"  # noqa: PLR2004 - a line or two on a terminal
