# SPDX-License-Identifier: Apache-2.0
"""One job from packages to image files: each phase looks in the store first, and leaves its layer there."""

from __future__ import annotations

import contextlib
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runner import prepare
from runner.copy_tree import copy_tree
from runner.create.pipeline import create
from runner.create.registry import Workshop
from runner.engine import keys
from runner.engine.job import Event, Finished, Job, LogLine, Phase, Started
from runner.engine.overlay import Stack, stack
from runner.errors import UsageError
from runner.packages.api import InstallContext, PackageFile
from runner.packages.managers import package_manager
from runner.prepare.scripts import WHILE_CREATING
from runner.process import Limits
from runner.sandbox.choose import choose
from runner.seed import Seed
from runner.store import Store
from runner.store.eviction import evict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.create.image import Image
    from runner.packages.lock import LockedPackage


def build(job: Job, speak: Callable[[Event], None]) -> Finished:
    """Do ``job`` and return what came of it; ``speak`` hears of every step.

    Raises:
        PackhouseError: whatever stops the build.
    """
    return _Build(job, speak).run()


class _Build:
    """The state of one build: its job, its sandbox, its place on disk."""

    def __init__(self, job: Job, speak: Callable[[Event], None]) -> None:
        self.job = job
        self.speak = speak
        self.store = Store(job.store)
        self.sandbox = choose()
        self.limits = Limits(seconds=job.timeout)
        self.packages_epoch = job.lock.epoch
        self._made_layers = False

    def run(self) -> Finished:
        with contextlib.ExitStack() as held:
            if self.job.tree is not None:
                layers, key = [self.job.tree], "given"
            else:
                layers, key = self._prepare(held)
            if self.job.root is not None:
                self._deliver_tree(layers, self.job.root)
            image = self._create(held, layers, key) if self.job.target is not None else None
        if self._made_layers:
            # Here rather than in the command: only the build's namespace can remove files of all owners.
            evict(self.store, self.job.store_size)
        return Finished(tree_key=key, isolation=self.sandbox.mode, image=image)

    # -- prepare

    def _prepare(self, held: contextlib.ExitStack) -> tuple[list[Path], str]:
        """Return the folders that make up the prepared tree, lowest first, and its key."""
        self.packages_epoch = self._packages_epoch()
        below = keys.packages_key(self.job, self.packages_epoch, self.sandbox.mode)
        packages = self._layer(held, "packages", below, self._install)
        key = keys.configured_key(self.job, below)
        tree = stack([packages], self.job.work / "configure")
        # What lies over the packages can only be read through an overlay: a copy would not know what it deletes.
        if self.job.use_layers and tree.upper is not None:
            layer = held.enter_context(self.store.layers.use(key))
            if layer is not None:
                tree.close()
                self.speak(Phase(name="configure", seconds=0.0, cached=True))
                return [packages, layer.content], key
        with self._phase("configure"):
            tree.join_links()
            prepare.configure(self._inputs(), self._bench(tree.merged), self._step)
            tree.close()
        return [packages, self._keep(held, key, tree)] if tree.upper else [tree.merged], key

    def _keep(self, held: contextlib.ExitStack, key: str, tree: Stack) -> Path:
        """Put what was laid over the packages into the store and return where it is."""
        upper = tree.upper
        assert upper is not None  # noqa: S101  # the caller asked
        if not self.job.use_layers:
            return upper
        self.store.layers.adopt(key, upper)
        self._made_layers = True
        layer = held.enter_context(self.store.layers.use(key))
        assert layer is not None  # noqa: S101  # it was put there in this boot
        return layer.content

    def _layer(self, held: contextlib.ExitStack, name: str, key: str, make: Callable[[Path], None]) -> Path:
        if self.job.use_layers:
            layer = held.enter_context(self.store.layers.use(key))
            if layer is not None:
                self.speak(Phase(name=name, seconds=0.0, cached=True))
                return layer.content
        folder = self.job.work / f"{name}-{key}"
        folder.mkdir()
        with self._phase(name):
            make(folder)
        if not self.job.use_layers:
            return folder
        self.store.layers.adopt(key, folder)
        self._made_layers = True
        layer = held.enter_context(self.store.layers.use(key))
        assert layer is not None  # noqa: S101  # it was put there in this boot
        return layer.content

    def _packages_epoch(self) -> int:
        """The time in the tree of packages: of the packages alone, so that a new commit does not make it anew."""
        built = [self._built(package) for package in self.job.lock.packages]
        return min(self.job.lock.epoch, max(built, default=self.job.lock.epoch))

    def _built(self, package: LockedPackage) -> int:
        if package.built is not None:
            return package.built
        name = f"{package.name} {package.version}"
        path = self.store.blobs.verified(package.sha256, name=name)
        return package_manager(self.job.plan.packages.manager).build_time(path, name=name)

    def _install(self, root: Path) -> None:
        blobs = self.store.blobs
        files = tuple(
            PackageFile(package, blobs.verified(package.sha256, name=f"{package.name} {package.version}"))
            for package in self.job.lock.packages
        )
        work = self.job.work / "install"
        work.mkdir()
        bench = replace(self._bench(root), epoch=self.packages_epoch)
        package_manager(self.job.plan.packages.manager).install(
            files,
            InstallContext(
                root=root,
                work=work,
                sandbox=self.sandbox,
                epoch=self.packages_epoch,
                sink=self._say,
                exclude_docs=self.job.plan.settings.exclude_docs,
                after_bootstrap=lambda: prepare.after_bootstrap(self._inputs(), bench),
            ),
        )
        prepare.normalise(bench, empty_temporary=self.job.plan.type.ensure_empty_tmpdirs)

    # -- results

    def _deliver_tree(self, layers: list[Path], root: Path) -> None:
        if root.exists() and any(root.iterdir()):
            raise UsageError(f"{root} is not empty", hint="choose another --root, or remove it first")
        with self._phase("copy tree"):
            tree = stack(layers, self.job.work / "deliver")
            copy_tree(tree.merged, root)
            tree.close()

    def _create(self, held: contextlib.ExitStack, layers: list[Path], key: str) -> Image:
        assert self.job.target is not None  # noqa: S101  # the caller asked
        plan, lock = self.job.plan, self.job.lock
        seed = Seed.derive(image=plan.image.name, arch=plan.arch, lock_digest=lock.digest, epoch=lock.epoch)
        # images.sh and stripping change the tree: on a throw-away layer, so that create can be repeated.
        tree = stack(layers, self.job.work / "create")
        with self._phase("images.sh"):
            if any((tree.merged / "image" / name).exists() for name in WHILE_CREATING):
                tree.join_links()
            prepare.images_script(self._inputs(), self._bench(tree.merged))
        with self._phase("create"):
            image = create(
                plan,
                tree.merged,
                self.job.target,
                epoch=lock.epoch,
                seed=seed,
                tree_key=key,
                workshop=Workshop(self.sandbox, partial(self._once, held), self._view, self._say, self.limits),
            )
        tree.close()
        return image

    def _once(self, held: contextlib.ExitStack, name: str, key: str, make: Callable[[Path], None]) -> Path:
        """See :class:`runner.create.registry.Once`."""
        return self._layer(held, name, keys.part_key(name, key, self.sandbox.mode), make)

    @contextlib.contextmanager
    def _view(self, root: Path) -> Iterator[Path]:
        """See :class:`runner.create.registry.Workshop`."""
        with tempfile.TemporaryDirectory(prefix="view-", dir=self.job.work) as work:
            tree = stack([root], Path(work))
            try:
                yield tree.merged
            finally:
                tree.close()

    # -- helpers

    def _inputs(self) -> prepare.ConfigureInputs:
        job = self.job
        return prepare.ConfigureInputs(
            plan=job.plan,
            lock=job.lock,
            description=job.description,
            description_text=job.description_text,
            boundary=job.boundary,
            git_modes=job.git_modes,
        )

    def _bench(self, root: Path) -> prepare.Bench:
        return prepare.Bench(
            root=root, epoch=self.job.lock.epoch, sandbox=self.sandbox, sink=self._say, limits=self.limits
        )

    def _step(self, name: str) -> None:
        self.speak(LogLine(f"--- {name}"))

    def _say(self, line: str) -> None:
        self.speak(LogLine(line))

    @contextlib.contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self.speak(Started(name))
        start = time.monotonic()
        yield
        self.speak(Phase(name=name, seconds=round(time.monotonic() - start, 3)))
