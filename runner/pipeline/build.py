# SPDX-License-Identifier: Apache-2.0
"""The main job: source → plan → lock → tree → image → release → storage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from runner import __version__, prepare
from runner.create import pipeline as create
from runner.create.toolchain import discover
from runner.create.tools import exceptions_of, tools_of, version_of
from runner.errors import BuildError
from runner.packages import lockfile
from runner.packages.managers import package_manager
from runner.pipeline import earlier
from runner.pipeline.locking import committed_or_new
from runner.pipeline.phases import phase
from runner.pipeline.refusal import refuse_unsupported
from runner.pipeline.source import open_source
from runner.pipeline.target import staged_target
from runner.release.buildkey import BuildKey
from runner.release.inputs import SELF_HOSTED, BuildFacts, ReleaseInputs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.create.image import Image
    from runner.engine.job import Finished
    from runner.packages.api import PackageFile
    from runner.packages.lock import Lock, Tool
    from runner.pipeline.build_log import OpenLog
    from runner.pipeline.request import BootGate, BuildOptions, Machine, Selection
    from runner.pipeline.source import Source
    from runner.plan.model import Plan
    from runner.release.inputs import BootRecord
    from runner.release.sign import StatementSigner
    from runner.sandbox.identity import Identity
    from runner.storage.api import Storage
    from runner.storage.publish import Published


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What a build left behind.

    Attributes:
        unchanged: nothing had to be done: the target already held this very build.
        published: where it is now, when it was published.
    """

    directory: Path
    plan: Plan
    manifest_name: str
    manifest_digest: str
    files: tuple[str, ...]
    signed: bool
    unchanged: bool = False
    published: Published | None = None


def build(selection: Selection, machine: Machine, options: BuildOptions) -> Built:
    """Build one image and, as asked, test, sign and publish it.

    Raises:
        PackhouseError: whatever stopped it; the target is as it was before, and nothing is published.
    """
    storage = _storage(options)
    if options.publish is not None:  # it has the packages of earlier builds as well
        machine = replace(machine, packages_from=(*machine.packages_from, options.publish.url))
    with open_source(selection, machine) as source:
        plan = source.buildable_plan(selection)
        refuse_unsupported(plan)
        options = replace(options, boot=_boot_gate(options, plan))
        if storage is not None:
            _claim(storage)  # before the long work, not after it
        tools = discover(tools_of(plan.type))
        target = (options.target or Path("packhouse-out") / plan.type.image).absolute()
        lock, files = committed_or_new(plan, source, machine, selection, options.lock)
        key = _build_key(plan, lock, source, tools)
        keyid = _keyid(options)
        built = earlier.find(target, key, plan, keyid=keyid, gate=options.boot) if machine.use_layers else None
        if built is None:
            built = _build_image(source, plan, lock, tools, key, target, machine, options)
        else:
            _check_sizes(built.directory, built.files, options.max_size)
            machine.reporter.finished("build", 0.0, cached=True, detail="unchanged")
        if storage is not None:
            built = replace(built, published=_publish(built, files, storage, machine, options))
    return built


def _build_image(  # noqa: PLR0917  # the stages' values, in the order of the line
    source: Source,
    plan: Plan,
    lock: Lock,
    tools: tuple[Tool, ...],
    key: str,
    target: Path,
    machine: Machine,
    options: BuildOptions,
) -> Built:
    from runner.pipeline.build_log import build_log
    from runner.pipeline.images import run_engine

    started = datetime.now(UTC)
    signer = _signer(options)
    with staged_target(target) as stage, build_log(machine) as log:
        done, identity = run_engine(plan, lock, source, machine, log.sink, target=stage)
        assert done.image is not None  # noqa: S101  # a target was given
        _check_sizes(stage, (file.name for file in done.image.files), options.max_size)
        record = _boot_record(plan, stage, machine, options, log)
        log.close()
        from runner.release.assemble import make_release

        with phase(machine.reporter, "release"):
            facts = _facts(plan, lock, tools, key, done, identity, log.build_id, started)
            facts = replace(facts, trigger=options.trigger, attempt=options.attempt)
            inputs = _release_inputs(source, plan, lock, done.image, facts, log.path, record)
            inputs = replace(inputs, previous=options.previous)
            release = make_release(inputs, stage, signer)
    return Built(
        directory=target,
        plan=plan,
        manifest_name=release.manifest_name,
        manifest_digest=release.manifest_digest,
        files=release.files,
        signed=release.signed,
    )


def _facts(  # noqa: PLR0917  # the stages' values, in the order of the line
    plan: Plan,
    lock: Lock,
    tools: tuple[Tool, ...],
    key: str,
    done: Finished,
    identity: Identity,
    build_id: str,
    started: datetime,
) -> BuildFacts:
    from runner.release.host import current_host

    return BuildFacts(
        build_id=build_id,
        build_key=key,
        started=started,
        finished=datetime.now(UTC),
        isolation=done.isolation,
        identity=identity.mode,
        runner_version=__version__,
        toolchain=tools,
        skipped_checks=_skipped_checks(lock),
        exceptions=exceptions_of(plan.type),
        host=current_host(),
    )


def _check_sizes(folder: Path, names: Iterable[str], limit: int | None) -> None:
    size, name = max((folder.joinpath(name).stat().st_size, name) for name in names)
    if limit is not None and size > limit:
        raise BuildError(
            f"{name} is larger than allowed",
            why=f"it has {size} bytes, and at most {limit} were asked for",
            hint="leave packages out, or allow more",
        )


def _release_inputs(  # noqa: PLR0917  # the stages' values, in the order of the line
    source: Source,
    plan: Plan,
    lock: Lock,
    image: Image,
    facts: BuildFacts,
    log: Path,
    boot: BootRecord | None,
) -> ReleaseInputs:
    return ReleaseInputs(
        plan=plan,
        lock=lock,
        lock_file=lockfile.render(lockfile.LockFile(locks=(lock,))),
        checkout=source.checkout,
        image=image,
        facts=facts,
        log=log,
        boot=boot,
    )


def _boot_gate(options: BuildOptions, plan: Plan) -> BootGate | None:
    if options.boot is None:
        return None
    from runner.pipeline.boot_gate import set_up

    return set_up(options.boot, plan)


def _boot_record(
    plan: Plan, results: Path, machine: Machine, options: BuildOptions, log: OpenLog
) -> BootRecord | None:
    if options.boot is None:
        return None
    from runner.pipeline.boot_gate import pass_gate

    return pass_gate(options.boot, plan, results, machine, log)


def _skipped_checks(lock: Lock) -> tuple[str, ...]:
    unsigned = [f"repository-signature:{item.id}" for item in lock.repositories if not item.verified]
    expired = [f"repository-expiry:{item.id}" for item in lock.repositories if not item.expiry_checked]
    return (*unsigned, *expired)


def _signer(options: BuildOptions) -> StatementSigner | None:
    if options.key is None:
        return None
    from runner.release.sign import load_signer

    return load_signer(options.key, options.passphrase)


def _keyid(options: BuildOptions) -> str | None:
    """The id of the key that is to sign; opening it now also finds a wrong passphrase before anything is built."""
    if options.key is None:
        return None
    from runner.release.keys import load_private, public_key_of

    return public_key_of(load_private(options.key, options.passphrase).public_key()).keyid


def _build_key(plan: Plan, lock: Lock, source: Source, tools: tuple[Tool, ...]) -> str:
    checkout = source.checkout
    return BuildKey(
        tree=None if checkout.dirty else checkout.tree,
        plan=plan.digest,
        lock=lock.digest,
        builder=SELF_HOSTED,
        version=_engine_version(plan),
        toolchain=tools,
    ).digest


def _engine_version(plan: Plan) -> str:
    """The runner's version and those of all its steps, so that a step that writes otherwise is another build."""
    packages = package_manager(plan.packages.manager).VERSION
    builder = version_of(plan.type)
    return f"{__version__} packages={packages} prepare={prepare.VERSION} create={create.VERSION}.{builder}"


def _storage(options: BuildOptions) -> Storage | None:
    if options.publish is None:
        return None
    from runner.storage.location import open_storage

    return open_storage(options.publish.url)


def _claim(storage: Storage) -> None:
    from runner.storage.publish import claim

    claim(storage)


def _publish(
    built: Built, files: tuple[PackageFile, ...], storage: Storage, machine: Machine, options: BuildOptions
) -> Published:
    from runner.storage.publish import PackageBlob, publish_release

    target = options.publish
    assert target is not None  # noqa: S101  # the caller asked
    with phase(machine.reporter, "publish") as detail:
        packages = [
            PackageBlob(path=file.path, sha256=file.package.sha256, size=file.package.size, name=file.package.name)
            for file in files
        ]
        published = publish_release(
            storage,
            built.directory,
            channel=target.channel,
            packages=packages,
            mirror_packages=target.mirror_packages,
        )
        detail.text = f"{target.channel}/{published.number}"
    return published
