# SPDX-License-Identifier: Apache-2.0
"""The steps of prepare after the packages, in KIWI's order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from runner.digest import canonical_json
from runner.prepare import (
    accounts,
    archives,
    certificates,
    deletes,
    description_files,
    files,
    normalisation,
    overlay,
    profile_env,
    repositories,
    scripts,
    settings,
)
from runner.prepare.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.packages.lock import Lock
    from runner.plan.model import Plan
    from runner.prepare.step import Bench

    Step = tuple[str, Callable[[], object]]

VERSION = sum(
    module.VERSION
    for module in (
        accounts,
        archives,
        certificates,
        deletes,
        description_files,
        files,
        normalisation,
        overlay,
        profile_env,
        repositories,
        scripts,
        settings,
    )
)
"""Part of the key of a configured tree: versions of steps only ever rise, so no two states share a sum."""

POST_BOOTSTRAP = "post_bootstrap.sh"
_VAGRANTFILE = "Vagrantfile"


class Phase(Protocol):
    """Told the name of each step as it starts."""

    def __call__(self, name: str, /) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureInputs:
    """What configures a tree.

    Attributes:
        description: folder of the description; only read.
        description_text: the upgraded description, for ``/image/config.xml``.
        boundary: top of the checkout, where links of the description may lead; the description itself by default.
        git_modes: take only what git records of permissions; see :class:`runner.prepare.origin.Origin`.
    """

    plan: Plan
    lock: Lock
    description: Path
    description_text: str
    boundary: Path | None = None
    git_modes: bool = True

    @property
    def origin(self) -> Origin:
        return Origin(self.description, self.boundary or self.description, self.git_modes)


def after_bootstrap(inputs: ConfigureInputs, bench: Bench) -> None:
    """Between bootstrap and image packages: bootstrap archives, ``post_bootstrap.sh``, certificates.

    The script sees its variables, itself and the helper functions, and nothing else of the description, so that
    the tree of packages depends on nothing else. What it saw is taken out of the tree again.

    Raises:
        DescriptionError, BuildError, LimitError: as for :func:`configure`.
    """
    for _, step in _archives("bootstrap", inputs, bench):
        step()
    if inputs.origin.find(POST_BOOTSTRAP) is not None:
        description_files.put_script(inputs.origin, POST_BOOTSTRAP, bench)
        profile_env.run(profile_env.Inputs(inputs.plan.environment), bench)
        run_script(POST_BOOTSTRAP, inputs, bench)
        for name in ("/image", "/.kconfig", "/.profile"):
            bench.paths.remove(name)
    certificates.run(certificates.Inputs(inputs.origin, inputs.plan.certificates), bench)


def configure(inputs: ConfigureInputs, bench: Bench, phase: Phase = lambda _name: None) -> None:
    """Turn a tree of packages into the image's tree, normalised.

    Raises:
        DescriptionError: a file of the description is missing, refused or unreadable.
        BuildError: a script or a program of the tree failed.
        LimitError: one of them, or an archive, went over its limits.
    """
    for name, step in _steps(inputs, bench):
        phase(name)
        step()


def normalise(bench: Bench, *, empty_temporary: bool = True) -> None:
    """Normalise the tree; see :mod:`runner.prepare.normalisation`."""
    normalisation.run(normalisation.Inputs(bench.epoch, empty_temporary), bench.root)


def run_script(name: str, inputs: ConfigureInputs, bench: Bench, arguments: tuple[str, ...] = ()) -> bool:
    """Run a script of ``/image`` and tell whether there was one.

    Raises:
        BuildError, LimitError: see :func:`runner.prepare.scripts.run`.
    """
    return scripts.run(scripts.Inputs(name, inputs.plan.environment, arguments), bench)


def images_script(inputs: ConfigureInputs, bench: Bench) -> bool:
    """Run ``images.sh`` at the start of create, clean up after it, and tell whether there was one."""
    if not run_script(scripts.IMAGES, inputs, bench):
        return False
    normalise(bench, empty_temporary=inputs.plan.type.ensure_empty_tmpdirs)
    return True


def _steps(inputs: ConfigureInputs, bench: Bench) -> Iterator[Step]:
    plan, origin = inputs.plan, inputs.origin
    yield "description", partial(description_files.run, _description(inputs), bench)
    yield from _archives("image", inputs, bench)
    yield "profile", partial(profile_env.run, profile_env.Inputs(plan.environment), bench)
    yield "overlay", partial(_overlays, inputs, bench)
    yield "accounts", partial(accounts.run, accounts.Inputs(plan.users), bench)
    yield "settings", partial(settings.run, settings.Inputs(plan.settings, plan.image.id), bench)
    for file in plan.files:
        yield f"file {file.name}", partial(files.run, files.Inputs(origin, file), bench)
    if any(repository.image for repository in plan.packages.repositories):
        kept = repositories.Inputs(origin, plan.packages.repositories)
        yield "repositories", partial(repositories.run, kept, bench)
    yield "config.sh", partial(run_script, "config.sh", inputs, bench)
    yield "deletes", partial(deletes.run, deletes.Inputs(plan.uninstall, plan.delete), bench)
    yield "normalise", partial(normalise, bench, empty_temporary=plan.type.ensure_empty_tmpdirs)


def _archives(phase: str, inputs: ConfigureInputs, bench: Bench) -> Iterator[Step]:
    for archive in sorted(inputs.plan.archives, key=lambda archive: archive.name):
        if archive.phase == phase:
            step = archives.Inputs(inputs.origin, archive.name, archive.target_dir)
            yield f"archive {archive.name}", partial(archives.run, step, bench)


def _description(inputs: ConfigureInputs) -> description_files.Inputs:
    plan = inputs.plan
    renamed = (
        (plan.type.edit_boot_config, scripts.EDIT_BOOT_CONFIG),
        (plan.type.edit_boot_install, scripts.EDIT_BOOT_INSTALL),
        (plan.type.vagrant.vagrantfile if plan.type.vagrant else "", _VAGRANTFILE),
    )
    names = {archive.name for archive in plan.archives} | {file.name for file in plan.files}
    return description_files.Inputs(
        origin=inputs.origin,
        config_xml=inputs.description_text.encode(),
        plan_json=canonical_json(plan),
        lock_json=canonical_json(inputs.lock),
        names=tuple(sorted(names)),
        renamed=tuple((name, fixed) for name, fixed in renamed if name),
    )


def _overlays(inputs: ConfigureInputs, bench: Bench) -> None:
    origin = inputs.origin
    if not overlay.run(overlay.Inputs(origin), bench) and origin.find("root.tar.gz") is not None:
        archives.run(archives.Inputs(origin, "root.tar.gz"), bench)
    for profile in inputs.plan.profiles:
        overlay.run(overlay.Inputs(origin, profile), bench)
