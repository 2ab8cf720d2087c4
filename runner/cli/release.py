# SPDX-License-Identifier: Apache-2.0
"""Commands for what was built: ``keygen``, ``publish``, ``fetch`` and ``verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.cli.options import Session, read_passphrase
from runner.cli.output import print_result

if TYPE_CHECKING:
    from runner.release.verify import VerifyReport

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="NAME", help="NAME and NAME.pub.")
@click.option("--passphrase-file", type=_FILE, help="Encrypt NAME with this; else PACKHOUSE_KEY_PASSPHRASE.")
@click.pass_obj
def keygen(session: Session, /, out: Path, passphrase_file: Path | None) -> None:
    """Make an Ed25519 key pair to sign with."""
    from runner.release.keys import generate

    pair = generate(out, read_passphrase(passphrase_file))
    body = {"private": str(pair.private), "public": str(pair.public), "keyid": pair.keyid}
    print_result(
        session.style, body, f"private key {pair.private}\npublic key  {pair.public}\nkey id      {pair.keyid}"
    )


@click.command()
@click.argument("directory", metavar="DIR", type=_FOLDER)
@click.argument("url")
@click.option("--channel", metavar="NAME", help="Channel to publish in; default edge.")
@click.option("--no-mirror-packages", is_flag=True, help="Do not keep the locked packages in the storage.")
@click.option("--once", is_flag=True, help="Leave a channel alone whose newest is this very build.")
@click.pass_obj
def publish(  # noqa: PLR0917  # click hands every option over
    session: Session,
    /,
    directory: Path,
    url: str,
    channel: str | None,
    no_mirror_packages: bool,  # noqa: FBT001
    once: bool,  # noqa: FBT001
) -> None:
    """Publish a finished release to a storage."""
    from dataclasses import asdict

    from runner.pipeline.packages_of import mirrored_packages
    from runner.storage.location import open_storage
    from runner.storage.publish import publish_release
    from runner.storage.reference import DEFAULT_CHANNEL

    machine = session.machine()
    storage = open_storage(url)
    packages = [] if no_mirror_packages else mirrored_packages(directory, machine.store.blobs)
    published = publish_release(
        storage, directory, channel=channel or DEFAULT_CHANNEL, packages=packages, once=once
    )
    text = f"published {published.image}:{published.channel} number {published.number} in {published.url}"
    print_result(session.style, asdict(published), text)


@click.command()
@click.argument("url")
@click.argument("name", metavar="NAME[:CHANNEL|@VERSION]")
@click.option(
    "--key", type=_FILE, required=True, metavar="PUB", help="Public key the release must be signed with."
)
@click.option("-o", "--out", type=_FOLDER, required=True, metavar="DIR", help="Where the files go.")
@click.pass_obj
def fetch(session: Session, /, url: str, name: str, key: Path, out: Path) -> None:
    """Fetch a published release and verify it."""
    from runner.release.verify import verify_directory
    from runner.storage.fetch import fetch as fetch_release
    from runner.storage.location import open_storage
    from runner.storage.reference import parse_reference

    session.machine()
    wanted = parse_reference(name)
    reports: list[VerifyReport] = []
    fetched = fetch_release(
        open_storage(url),
        wanted.image,
        channel=wanted.channel,
        version=wanted.version,
        to=out,
        verify=lambda folder: reports.append(verify_directory(folder, key)),
    )
    files = [str(path) for path in fetched.files]
    body = {"files": files, "manifest_digest": reports[0].manifest_digest, "keyid": reports[0].keyid}
    print_result(session.style, body, "\n".join([*files, f"verified: signed by {reports[0].keyid}"]))


@click.command()
@click.argument("directory", metavar="DIR", type=_FOLDER)
@click.option(
    "--key", type=_FILE, required=True, metavar="PUB", help="Public key the release must be signed with."
)
@click.pass_obj
def verify(session: Session, /, directory: Path, key: Path) -> None:
    """Check a release offline: signature and every file."""
    from runner.release.verify import verify_directory

    report = verify_directory(directory, key)
    print_result(session.style, _report_json(report), _report_text(report))


def _report_json(report: VerifyReport) -> dict[str, Any]:
    return {
        "manifest": report.manifest_name,
        "manifest_digest": report.manifest_digest,
        "keyid": report.keyid,
        "files": dict(report.files),
        "checks": list(report.checks),
    }


def _report_text(report: VerifyReport) -> str:
    lines = [f"ok  {check}" for check in report.checks]
    return "\n".join([*lines, f"verified: {report.manifest_name} signed by {report.keyid}"])
