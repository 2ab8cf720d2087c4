# SPDX-License-Identifier: Apache-2.0
"""Puts the description and what belongs to it into ``/image`` of the tree, and ``/.kconfig`` beside it.

KIWI keeps a copy of the description in the tree: scripts run from there, and ``create`` finds it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.prepare import kconfig

if TYPE_CHECKING:
    from runner.prepare.origin import Origin
    from runner.prepare.step import Bench

VERSION = 2

SCRIPTS = (
    "post_bootstrap.sh",
    "config.sh",
    "config-overlay.sh",
    "config-host-overlay.sh",
    "images.sh",
    "pre_disk_sync.sh",
    "disk.sh",
)
_CDROOT = ("config-cdroot.tar", "config-cdroot.tar.gz", "config-cdroot.tar.xz", "config-cdroot.tar.bz2")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What goes into ``/image``.

    Attributes:
        origin: the folder of the description.
        config_xml: the upgraded description.
        plan_json: the plan; ``lock_json``: the lock. Both as canonical JSON.
        names: archives and single files the plan uses, relative to the description.
        renamed: (name in the description, fixed name in ``/image``) of files with a free name.
    """

    origin: Origin
    config_xml: bytes
    plan_json: bytes
    lock_json: bytes
    names: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


def run(inputs: Inputs, bench: Bench) -> None:
    """Write ``/image`` and ``/.kconfig``.

    Raises:
        DescriptionError: a named file is missing or outside of the checkout.
    """
    paths = bench.paths
    paths.remove("/image")
    paths.write("/image/config.xml", inputs.config_xml)
    paths.write("/image/plan.json", inputs.plan_json)
    paths.write("/image/lock.json", inputs.lock_json)
    _helpers(bench)
    for name in (*SCRIPTS, *_CDROOT):
        if inputs.origin.find(name) is not None:
            _copy(inputs.origin, name, name, bench)
    for name in inputs.names:
        _copy(inputs.origin, name, name, bench)
    for name, fixed in inputs.renamed:
        _copy(inputs.origin, name, fixed, bench)


def put_script(origin: Origin, name: str, bench: Bench) -> None:
    """Make ``/image`` hold just one script, and write ``/.kconfig``.

    Raises:
        DescriptionError: the script is missing or outside of the checkout.
    """
    bench.paths.remove("/image")
    _helpers(bench)
    _copy(origin, name, name, bench)


def _helpers(bench: Bench) -> None:
    bench.paths.write("/.kconfig", kconfig.library())


def _copy(origin: Origin, name: str, target: str, bench: Bench) -> None:
    source = origin.file(name)
    bench.paths.write(f"/image/{target}", source.read_bytes(), origin.mode(source))
