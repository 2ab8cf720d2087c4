# SPDX-License-Identifier: Apache-2.0
"""``packhouse build``, and KIWI's two steps on their own: ``prepare`` and ``create``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.byte_size import byte_size
from runner.cli.boot_gate import boot_options, gate_of
from runner.cli.options import Session, read_passphrase, selection, source_options
from runner.cli.output import print_result
from runner.cli.overrides import override_options
from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.packages.lockfile import LockFile
    from runner.pipeline.build import Built

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@source_options
@override_options
@boot_options
@click.option("--target-dir", type=_FOLDER, help="Where the results go; default packhouse-out/TYPE.")
@click.option("--sign", "key", type=_FILE, metavar="KEY", help="Private key to sign the release with.")
@click.option("--passphrase-file", type=_FILE, help="Passphrase of KEY; else PACKHOUSE_KEY_PASSPHRASE.")
@click.option("--publish", metavar="URL", help="Storage to publish to: file:///DIR or s3://BUCKET/PREFIX.")
@click.option("--channel", metavar="NAME", help="Channel to publish in; default edge.")
@click.option("--no-mirror-packages", is_flag=True, help="Do not keep the locked packages in the storage.")
@click.option("--no-cache", is_flag=True, help="Build every layer anew and keep none.")
@click.option("--lock", type=_FILE, metavar="FILE", help="Obey this lock file, not the one in SOURCE.")
@click.option("--max-size", metavar="SIZE", help="Fail when a result is larger: 700M, 4G, or bytes.")
@click.pass_obj
def build(  # noqa: PLR0917  # click hands every option over
    session: Session,
    /,
    target_dir: Path | None,
    key: Path | None,
    passphrase_file: Path | None,
    publish: str | None,
    channel: str | None,
    no_mirror_packages: bool,  # noqa: FBT001
    no_cache: bool,  # noqa: FBT001
    lock: Path | None,
    max_size: str | None,
    **source: Any,
) -> None:
    """Build an image: SOURCE is a git URL or a path.

    Tests, signs and publishes the result as asked.
    """
    from runner.pipeline.build import build as build_image
    from runner.pipeline.request import BuildOptions, PublishTarget
    from runner.storage.reference import DEFAULT_CHANNEL

    gate = gate_of(source)
    if channel and not publish:
        raise UsageError("--channel needs --publish", hint="a channel is a place in a storage")
    passphrase = read_passphrase(passphrase_file) if key else None
    goal = None
    if publish:
        goal = PublishTarget(
            url=publish, channel=channel or DEFAULT_CHANNEL, mirror_packages=not no_mirror_packages
        )
    machine = session.machine(passphrase, source=source["source"], use_layers=not no_cache)
    options = BuildOptions(
        target=target_dir,
        key=key,
        passphrase=passphrase,
        publish=goal,
        max_size=_bytes(max_size),
        boot=gate,
        lock=_lock_file(lock),
    )
    try:
        built = build_image(selection(**source), machine, options)
    finally:
        session.reporter.close()
    print_result(session.style, _as_json(built), _as_text(built))


@click.command()
@source_options
@override_options
@click.option("--root", type=_FOLDER, required=True, help="Empty folder for the root tree.")
@click.option("--no-cache", is_flag=True, help="Build every layer anew and keep none.")
@click.pass_obj
def prepare(session: Session, /, root: Path, no_cache: bool, **source: Any) -> None:  # noqa: FBT001
    """Make an image's root tree: KIWI's first step."""
    from runner.pipeline.steps import prepare as prepare_tree

    machine = session.machine(source=source["source"], use_layers=not no_cache)
    try:
        tree = prepare_tree(selection(**source), machine, root)
    finally:
        session.reporter.close()
    body = {"root": str(tree.root), "key": tree.key, "epoch": tree.epoch}
    print_result(session.style, body, f"root tree: {tree.root}")


@click.command()
@click.option("--root", type=_FOLDER, required=True, help="A tree made by packhouse prepare.")
@click.option("--target-dir", type=_FOLDER, required=True, help="Where the results go.")
@click.pass_obj
def create(session: Session, root: Path, target_dir: Path) -> None:
    """Pack a prepared tree into an image: KIWI's second step."""
    from runner.pipeline.steps import create as create_image

    machine = session.machine()
    try:
        image = create_image(root, target_dir, machine)
    finally:
        session.reporter.close()
    files = {file.name: {"sha256": file.sha256, "size": file.size} for file in image.files}
    text = "\n".join(f"{file.sha256}  {target_dir / file.name}" for file in image.files)
    print_result(session.style, {"target": str(target_dir.absolute()), "files": files}, text)


def _lock_file(path: Path | None) -> LockFile | None:
    from runner.packages.lockfile import parse

    if path is None:
        return None
    try:
        return parse(path.read_bytes(), where=path)
    except OSError as error:
        raise UsageError("the lock file cannot be read", where=str(path), why=error.strerror) from error


def _bytes(text: str | None) -> int | None:
    try:
        return None if text is None else byte_size(text)
    except ValueError as error:
        raise UsageError("--max-size is no size", why=str(error)) from None


def _as_json(built: Built) -> dict[str, Any]:
    published = built.published
    return {
        "target": str(built.directory),
        "manifest": str(built.directory / built.manifest_name),
        "manifest_digest": built.manifest_digest,
        "files": list(built.files),
        "signed": built.signed,
        "unchanged": built.unchanged,
        "published": None
        if published is None
        else {
            "url": published.url,
            "image": published.image,
            "version": published.version,
            "channel": published.channel,
            "number": published.number,
        },
    }


def _as_text(built: Built) -> str:
    lines = [f"image      {built.directory / name}" for name in built.files if _is_image(name)]
    lines.append(f"manifest   {built.directory / built.manifest_name}")
    lines.append(f"           sha256:{built.manifest_digest}{'' if built.signed else '  (not signed)'}")
    if built.signed:
        lines += [f"signature  {built.directory / name}" for name in built.files if name.endswith(".intoto.jsonl")]
    if built.published is not None:
        place = built.published
        lines.append(f"published  {place.image}:{place.channel} number {place.number} in {place.url}")
    return "\n".join(lines)


def _is_image(name: str) -> bool:
    ours = (
        ".manifest.json",
        ".intoto.jsonl",
        ".sigstore.json",
        ".lock.json",
        ".packages",
        ".log",
        "SHA256SUMS",
        "kiwi.result.json",
    )
    return not name.endswith(ours)
