# SPDX-License-Identifier: Apache-2.0
"""Make a release around finished result files: lock copy, log, checksums, manifest, provenance, signature.

Each file is written aside, flushed and renamed; the signature comes last, so a release that was cut short does
not verify. A failure takes away what this run had written.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from runner.create.image import ResultFile
from runner.digest import HashingWriter, sha256_bytes, sha256_file
from runner.errors import BuildError, HostError, Location, VerificationError
from runner.release.changes import MEDIA_TYPE as CHANGES_MEDIA_TYPE
from runner.release.changes import changes_since, encode_changes
from runner.release.describe import LOCK_MEDIA_TYPE, LOG_MEDIA_TYPE, Around, describe
from runner.release.dsse import parse_envelope
from runner.release.files import CHECKSUMS, KIWI_RESULT, ReleaseNames, checksums_text
from runner.release.inputs import Release
from runner.release.manifest import BlobRef, BootFacts, Compare, Manifest, decode_manifest, encode_manifest
from runner.release.provenance import encode_statement, provenance_for
from runner.release.sigstore import sigstore_bundles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.release.inputs import BootRecord, ReleaseInputs
    from runner.release.sign import StatementSigner


def make_release(inputs: ReleaseInputs, directory: Path, signer: StatementSigner | None) -> Release:
    """Complete the result files in ``directory`` to a release. Without ``signer`` the manifest says unsigned.

    Digests of result files are taken as computed when they were written; presence and size are checked.

    Raises:
        BuildError: a result file is missing or of another size, or its name cannot stand in a manifest.
        HostError: a file cannot be written.
    """
    names = ReleaseNames(inputs.plan.stem)
    for name in names.signatures:
        _remove(directory / name)  # of an earlier build: never the signature of other bytes
    writer = _Writer(directory)
    try:
        lock = _write_lock(writer, names, inputs.lock_file)
        results = (*_results(directory, names, inputs), lock)
        around = Around(
            log=_write_log(writer, names.log, inputs.log) if inputs.log is not None else None,
            boot=_write_boot(writer, names, inputs.boot) if inputs.boot is not None else None,
            compare=_write_changes(writer, names, inputs, results),
        )
        manifest = describe(inputs, names, results, around, signed=signer is not None)
        digest, size = _write_manifest(writer, names, manifest)
        writer.put(CHECKSUMS, checksums_text({result.name: result.sha256 for result in results}))
        if signer is not None:
            statement = provenance_for(manifest, name=names.manifest, sha256=digest)
            envelope = signer.attest(encode_statement(statement))
            writer.put(names.sigstore, sigstore_bundles(parse_envelope(envelope))[0])
            writer.put(names.attestations, envelope + b"\n")
        writer.sync()
    except BaseException:
        writer.undo()
        raise
    return Release(
        directory=directory,
        manifest=manifest,
        manifest_name=names.manifest,
        manifest_digest=digest,
        manifest_size=size,
        files=tuple(sorted({*writer.written, *writer.kept, *(result.name for result in results)})),
        signed=signer is not None,
    )


def _write_lock(writer: _Writer, names: ReleaseNames, data: bytes) -> ResultFile:
    writer.put(names.lock, data)
    return ResultFile(
        name=names.lock, role="lock", media_type=LOCK_MEDIA_TYPE, sha256=sha256_bytes(data), size=len(data)
    )


def _write_log(writer: _Writer, name: str, log: Path) -> BlobRef:
    digest, size = writer.copy(name, log)
    return BlobRef(name=name, blob=f"sha256:{digest}", size=size, media_type=LOG_MEDIA_TYPE)


def _write_boot(writer: _Writer, names: ReleaseNames, boot: BootRecord) -> BootFacts:
    return BootFacts(tests=boot.tests, log=_write_log(writer, names.boot_log, boot.log))


def _write_changes(
    writer: _Writer, names: ReleaseNames, inputs: ReleaseInputs, results: tuple[ResultFile, ...]
) -> Compare | None:
    if inputs.previous is None:
        return None
    changes = changes_since(
        inputs.previous,
        version=inputs.plan.image.version,
        packages=inputs.lock.packages,
        files={result.name: result.size for result in results},
    )
    data = encode_changes(changes)
    writer.put(names.changes, data)
    return Compare(
        previous=f"sha256:{changes.previous.manifest}",
        size_delta=changes.size_delta,
        packages_added=changes.added,
        packages_removed=changes.removed,
        packages_updated=changes.updated,
        changes=BlobRef(
            name=names.changes, blob=f"sha256:{sha256_bytes(data)}", size=len(data), media_type=CHANGES_MEDIA_TYPE
        ),
    )


def _write_manifest(writer: _Writer, names: ReleaseNames, manifest: Manifest) -> tuple[str, int]:
    """Write the manifest after reading it back strictly: what we write, every verifier accepts."""
    data = encode_manifest(manifest)
    try:
        decode_manifest(data)
    except VerificationError as error:
        raise BuildError(
            "this build cannot be described in a manifest", where=Location(names.manifest), why=error.why
        ) from error
    writer.put(names.manifest, data)
    return sha256_bytes(data), len(data)


def _results(directory: Path, names: ReleaseNames, inputs: ReleaseInputs) -> tuple[ResultFile, ...]:
    """Return the image's files, plus KIWI's two lists where create did not count them as results."""
    results = {result.name: result for result in inputs.image.files}
    for name, role, media_type in (
        (names.packages, "packages", "text/plain"),
        (KIWI_RESULT, "kiwi_result", "application/json"),
    ):
        path = directory / name
        if name not in results and path.is_file():
            size = path.stat().st_size
            results[name] = ResultFile(
                name=name, role=role, media_type=media_type, sha256=sha256_file(path), size=size
            )
    for result in results.values():
        _check_present(directory, result)
    return tuple(results.values())


def _check_present(directory: Path, result: ResultFile) -> None:
    path = directory / result.name
    if path.is_symlink() or not path.is_file():
        raise BuildError(f"the result file {result.name} is missing", where=Location(directory))
    size = path.stat().st_size
    if size != result.size:
        raise BuildError(
            f"the result file {result.name} changed after it was made",
            where=Location(directory),
            why=f"it is {size} bytes long, create wrote {result.size}",
        )


class _Writer:
    """Puts whole files under their names, remembers them, and takes them away again.

    Attributes:
        written: names of the files it made.
        kept: names it found in place; they outlive a failure.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.written: list[str] = []
        self.kept: list[str] = []

    def put(self, name: str, data: bytes) -> None:
        with self._errors(name):
            self._place(name, lambda stream: stream.write(data))

    def copy(self, name: str, source: Path) -> tuple[str, int]:
        """Copy ``source``, return digest and size of what was copied. A file that is in place is only read."""
        with self._errors(name), source.open("rb") as data:
            target = self._directory / name
            if target.exists() and os.path.samestat(os.fstat(data.fileno()), target.lstat()):
                self.kept.append(name)
                return sha256_file(target), target.stat().st_size
            result: list[HashingWriter] = []

            def fill(stream: IO[bytes]) -> None:
                result.append(HashingWriter(stream))
                shutil.copyfileobj(data, result[0])

            self._place(name, fill)
            return result[0].sha256, result[0].size

    def sync(self) -> None:
        """Make the names survive a power cut."""
        with self._errors(self._directory.name):
            descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def undo(self) -> None:
        for name in self.written:
            with suppress(OSError):
                (self._directory / name).unlink()

    def _place(self, name: str, fill: Callable[[IO[bytes]], object]) -> None:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=self._directory)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                fill(stream)
                os.fchmod(stream.fileno(), 0o644)
                stream.flush()
                os.fsync(stream.fileno())
            Path(temporary).replace(self._directory / name)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self.written.append(name)

    @contextmanager
    def _errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise HostError(
                f"{name} cannot be written", where=Location(self._directory), why=error.strerror
            ) from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise HostError(f"{path.name} cannot be replaced", where=Location(path), why=error.strerror) from error
