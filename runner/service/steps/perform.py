# SPDX-License-Identifier: Apache-2.0
"""What each order asks for, done by the same line that ``packhouse build`` is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import PackhouseError
from runner.packages import lockfile
from runner.pipeline.build import build
from runner.pipeline.locking import committed_or_new, make_lock, still_fresh
from runner.pipeline.packages_of import mirrored_packages
from runner.pipeline.refusal import refuse_unsupported
from runner.pipeline.request import BootGate, BuildOptions, Selection
from runner.pipeline.source import open_source
from runner.release.changes import Previous, PreviousRelease
from runner.release.manifest import decode_manifest
from runner.service.jobs.model import Artifact
from runner.service.steps.order import (
    BuildOrder,
    Built,
    Locked,
    LockOrder,
    Outcome,
    ProposeOrder,
    Published,
    PublishOrder,
    ScanOrder,
)
from runner.service.steps.propose import propose
from runner.service.steps.scan import scan
from runner.storage.location import open_storage
from runner.storage.publish import publish_release

if TYPE_CHECKING:
    from runner.pipeline.request import Machine
    from runner.release.manifest import Manifest
    from runner.release.manifest import Trigger as ManifestTrigger
    from runner.service.jobs.model import Trigger
    from runner.service.steps.order import EarlierBuild, Order

PASSPHRASE = "PACKHOUSE_KEY_PASSPHRASE"  # noqa: S105  # the name of a variable
BOOT_PASSWORD = "PACKHOUSE_BOOT_PASSWORD"  # noqa: S105
_DISKS = frozenset({"oem", "vmx"})
_TRIGGERS: dict[Trigger, ManifestTrigger] = {
    "push": "push",
    "tag": "push",
    "nightly": "schedule",
    "manual": "manual",
}


def perform(order: Order, machine: Machine) -> Outcome:
    """Do what ``order`` says and return what came of it.

    Raises:
        PackhouseError: what stopped it.
    """
    match order:
        case LockOrder():
            return _lock(order, machine)
        case BuildOrder():
            return _build(order, machine)
        case PublishOrder():
            return _publish(order, machine)
        case ProposeOrder():
            return propose(order, machine)
        case ScanOrder():
            return scan(order, machine)


def _lock(order: LockOrder, machine: Machine) -> Locked:
    selection = _selection(order)
    with open_source(selection, machine) as source:
        plan = source.buildable_plan(selection)
        refuse_unsupported(plan)
        known = lockfile.parse(order.known.encode()).locks[0] if order.known else None
        if known is not None and still_fresh(known, plan, source, machine, selection):
            lock = known
        elif order.refresh:
            lock, _ = make_lock(plan, source, machine, selection)
        else:
            lock, _ = committed_or_new(plan, source, machine, selection)
    return Locked(
        name=plan.image.name,
        version=plan.image.version,
        text=lockfile.render(lockfile.LockFile(locks=(lock,))).decode(),
        digest=lock.content_digest,
    )


def _build(order: BuildOrder, machine: Machine) -> Built:
    options = BuildOptions(
        target=order.target,
        key=order.key,
        passphrase=machine.env.get(PASSPHRASE),
        boot=_gate(order, machine),
        lock=lockfile.parse(order.lock.encode()),
        trigger=_TRIGGERS[order.trigger],
        attempt=order.attempt,
        previous=_previous(order.previous, machine),
    )
    done = build(_selection(order), machine, options)
    path = done.directory / done.manifest_name
    manifest = decode_manifest(path.read_bytes(), where=str(path))
    return Built(
        manifest=done.manifest_digest,
        keyid=_keyid(order, options),
        artifacts=tuple(
            Artifact(name=item.name, size=item.size, sha256=item.digest.sha256) for item in manifest.artifacts
        ),
        boot=_boot_seconds(manifest),
        changes=(done.directory / manifest.compare.changes.name).read_text() if manifest.compare else "",
    )


def _previous(earlier: EarlierBuild | None, machine: Machine) -> Previous | None:
    """Read what the release is compared with; one that another version wrote is no reason to stop."""
    if earlier is None:
        return None
    try:
        locks = lockfile.parse(earlier.lock.encode()).locks
    except PackhouseError as error:
        machine.reporter.warning(f"nothing is compared with the build before: {error.what}")
        return None
    return Previous(
        release=PreviousRelease(manifest=earlier.manifest, version=earlier.version, number=earlier.number),
        packages=tuple(package for lock in locks for package in lock.packages),
        files=earlier.files,
    )


def _gate(order: BuildOrder, machine: Machine) -> BootGate | None:
    if order.boot is None or order.image.type_name.partition(":")[0] not in _DISKS:
        return None
    from runner.boot.model import Login

    script = order.boot.script.encode() or None
    return BootGate(
        script=script, login=Login(password=machine.env.get(BOOT_PASSWORD, "")), seconds=order.boot.seconds
    )


def _boot_seconds(manifest: Manifest) -> float | None:
    """Return when the slowest tested start had come as far as it was to come."""
    tests = manifest.boot.tests if manifest.boot else ()
    return max((test.timeline[-1].milliseconds / 1000 for test in tests if test.timeline), default=None)


def _keyid(order: BuildOrder, options: BuildOptions) -> str:
    if order.key is None:
        return ""
    from runner.release.keys import load_private, public_key_of

    return public_key_of(load_private(order.key, options.passphrase).public_key()).keyid


def _publish(order: PublishOrder, machine: Machine) -> Published:
    packages = mirrored_packages(order.directory, machine.store.blobs) if order.mirror_packages else ()
    done = publish_release(
        open_storage(order.url),
        order.directory,
        channel=order.channel,
        packages=packages,
        once=True,
        token=order.job,
    )
    return Published(manifest=done.manifest, number=done.number, created=done.created)


def _selection(order: LockOrder | BuildOrder) -> Selection:
    image = order.image
    return Selection(
        source=order.url,
        ref=order.commit,
        subdir=image.subdir,
        kiwi_file=image.kiwi_file or None,
        profiles=image.profiles,
        type_name=image.type_name,
        arch=image.arch,
    )
