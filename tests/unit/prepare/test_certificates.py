# SPDX-License-Identifier: Apache-2.0
"""Authorities the image trusts: into the family's folder, taken up by the image's own program."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

import pytest

from runner.errors import DescriptionError
from runner.plan.certificates import CertificatesPlan
from runner.prepare import certificates
from runner.process import Completed

if TYPE_CHECKING:
    from pathlib import Path

    from runner.prepare.origin import Origin
    from runner.prepare.step import Bench
    from runner.process import LineSink
    from runner.sandbox.api import Command

CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


class Recorder:
    mode: ClassVar[Literal["bwrap", "unshare", "chroot"]] = "chroot"

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []

    def run(self, command: Command, *, sink: LineSink | None = None, check: bool = True) -> Completed:  # noqa: ARG002
        self.ran.append(tuple(str(arg) for arg in command.argv))
        return Completed(self.ran[-1], 0, b"", ())


def plan(*names: str, family: str = "debian") -> tuple[CertificatesPlan, ...]:
    return (CertificatesPlan(target_distribution=family, names=names),)


@pytest.mark.parametrize(
    ("family", "file", "program"),
    [
        ("debian", "usr/local/share/ca-certificates/my.crt", "update-ca-certificates"),
        ("suse", "etc/pki/trust/anchors/my.pem", "update-ca-certificates"),
        ("redhat", "etc/pki/ca-trust/source/anchors/my.pem", "update-ca-trust"),
        ("archlinux", "etc/ca-certificates/trust-source/anchors/my.pem", "update-ca-trust"),
    ],
)
def test_each_family_has_its_folder_and_program(
    bench: Bench, origin: Origin, family: str, file: str, program: str
) -> None:
    recorder = Recorder()
    bench = replace(bench, sandbox=recorder)
    bench.paths.write(f"/usr/sbin/{program}", b"", 0o755)
    (origin.directory / "ca").mkdir()
    (origin.directory / "ca/my.pem").write_bytes(CERTIFICATE)
    certificates.run(certificates.Inputs(origin, plan("ca/my.pem", family=family)), bench)
    assert (bench.root / file).read_bytes() == CERTIFICATE
    assert recorder.ran == [(program,)]


def test_missing_files_and_a_missing_program_are_warned_of(bench: Bench, origin: Origin) -> None:
    said: list[str] = []
    bench = replace(bench, warning=said.append)
    (origin.directory / "here.crt").write_bytes(CERTIFICATE)
    certificates.run(certificates.Inputs(origin, plan("gone.crt", "here.crt")), bench)
    assert ["gone.crt" in said[0], "ca-certificates" in said[1], len(said)] == [True, True, 2]
    assert (bench.root / "usr/local/share/ca-certificates/here.crt").is_file()


@pytest.mark.parametrize("name", ["/etc/ssl/certs/x.pem", "../../outside.pem", "key.pem"])
def test_files_of_the_machine_and_private_keys_are_refused(
    bench: Bench, origin: Origin, tmp_path: Path, name: str
) -> None:
    (tmp_path / "outside.pem").write_bytes(CERTIFICATE)
    (origin.directory / "key.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(DescriptionError):
        certificates.run(certificates.Inputs(origin, plan(name)), bench)


def test_an_unknown_family_is_named(bench: Bench, origin: Origin) -> None:
    with pytest.raises(DescriptionError, match="plan9"):
        certificates.run(certificates.Inputs(origin, plan("x", family="plan9")), bench)


def test_certificates_of_one_name_in_two_folders_are_both_trusted(bench: Bench, origin: Origin) -> None:
    for folder in ("a", "b"):
        (origin.directory / folder).mkdir()
        (origin.directory / folder / "ca.pem").write_bytes(CERTIFICATE + folder.encode())
    certificates.run(certificates.Inputs(origin, plan("a/ca.pem", "b/ca.pem", "gone.pem")), bench)
    store = bench.root / "usr/local/share/ca-certificates"
    assert {path.name: path.read_bytes()[-1:] for path in store.iterdir()} == {"a_ca.crt": b"a", "b_ca.crt": b"b"}
