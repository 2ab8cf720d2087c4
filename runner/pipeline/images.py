# SPDX-License-Identifier: Apache-2.0
"""From a lock to an image: the engine is started, and its events become phases, a log and a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import process
from runner.engine.job import Event, Finished, Job, LogLine, Phase, Started, Warned
from runner.engine.launch import launch
from runner.plan.embedded import without_secrets
from runner.sandbox.identity import Identity, probe

if TYPE_CHECKING:
    from pathlib import Path

    from runner.log import BuildLog
    from runner.packages.lock import Lock
    from runner.pipeline.request import Machine, Reporter
    from runner.pipeline.source import Source
    from runner.plan.model import Plan


def run_engine(  # the stages' values, in the order of the line
    plan: Plan,
    lock: Lock,
    source: Source,
    machine: Machine,
    log: BuildLog | None = None,
    *,
    root: Path | None = None,
    target: Path | None = None,
) -> tuple[Finished, Identity]:
    """Prepare the tree of ``plan``, deliver it to ``root`` and pack it into ``target``, as asked."""
    checkout = source.checkout
    return run_job(
        plan,
        lock,
        machine,
        log,
        description=checkout.directory,
        boundary=checkout.work_tree,
        git_modes=checkout.commit is not None,
        description_text=without_secrets(source.description.text),
        root=root,
        target=target,
    )


def run_job(  # the stages' values, in the order of the line
    plan: Plan,
    lock: Lock,
    machine: Machine,
    log: BuildLog | None = None,
    *,
    description: Path,
    boundary: Path,
    git_modes: bool = True,
    description_text: str = "",
    tree: Path | None = None,
    root: Path | None = None,
    target: Path | None = None,
) -> tuple[Finished, Identity]:
    """Give the engine one job; see :class:`runner.engine.job.Job`."""
    identity = probe()
    with machine.store.scratch("build", remove=lambda path: erase(path, identity)) as work:
        job = Job(
            plan=plan,
            lock=lock,
            description=description.resolve(),
            boundary=boundary.resolve(),
            git_modes=git_modes,
            description_text=description_text,
            store=machine.store.root.resolve(),
            work=work.resolve(),
            tree=tree,
            root=root,
            target=target,
            use_layers=machine.use_layers,
            store_size=machine.store_size,
            timeout=machine.timeout,
        )
        hear = _Listener(machine.reporter, log)
        return launch(job, identity, on_event=hear, redact=machine.redact), identity


class _Listener:
    """Turns the engine's events into the reporter's words and the build's log."""

    def __init__(self, reporter: Reporter, log: BuildLog | None) -> None:
        self._reporter = reporter
        self._log = log

    def __call__(self, event: Event) -> None:
        match event:
            case LogLine(line):
                self._reporter.line(line)
                if self._log is not None:
                    self._log(line)
            case Started(name):
                self._reporter.started(name)
                if self._log is not None:
                    self._log.phase(name)
            case Phase():
                self._reporter.finished(event.name, event.seconds, cached=event.cached)
            case Warned(text):
                self._reporter.warning(text)
            case _:
                pass


def erase(path: Path, identity: Identity | None = None) -> None:
    """Remove a folder whose files may belong to ids that only the build's namespace has."""
    unshare = (identity or probe()).unshare
    process.run(["unshare", *unshare, "--", "rm", "-rf", "--one-file-system", path], check=False)
