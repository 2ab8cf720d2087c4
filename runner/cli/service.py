# SPDX-License-Identifier: Apache-2.0
"""``serve`` and ``worker``: the runner's processes."""

from __future__ import annotations

import contextlib
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.cli.options import Session
    from runner.service.queue.worker import Worker
    from runner.service.serve import Runner

_FILE = click.Path(path_type=Path, dir_okay=False)
_config = click.option("--config", type=_FILE, metavar="FILE", help="packhouse.yaml; else /etc/packhouse's.")


@click.command()
@_config
@click.option("--no-build", is_flag=True, help="Leave the building to workers; needs PostgreSQL.")
@click.pass_obj
def serve(session: Session, /, config: Path | None, no_build: bool) -> None:  # noqa: FBT001
    """Watch repositories; build, publish and show what changes."""
    from runner.service.serve import building, watching
    from runner.service.web.server import serving

    with _opened(session, config) as runner, contextlib.ExitStack() as stack:
        if no_build and runner.queue_url.startswith("sqlite:"):
            raise UsageError("--no-build needs workers, and those need a database: postgresql://…")
        worker = None if no_build else stack.enter_context(building(runner))
        stack.enter_context(watching(runner, keep_queue=no_build))
        stack.enter_context(serving(runner))
        _until_told(runner, worker)


@click.command()
@_config
@click.option("--labels", metavar="A,B", default="", help="What this machine has besides its architecture.")
@click.option("--builds", type=click.IntRange(1, 256), help="Jobs at once.")
@click.pass_obj
def worker(session: Session, /, config: Path | None, labels: str, builds: int | None) -> None:
    """Build what a runner on another machine asks for."""
    from runner.service.serve import building

    with _opened(session, config) as runner:
        if runner.queue_url.startswith("sqlite:"):
            raise UsageError(
                "workers need a database that many machines reach",
                hint="set database: postgresql://… in packhouse.yaml; packhouse serve alone builds too",
            )
        with building(runner, [name for name in labels.split(",") if name], builds) as working:
            _until_told(runner, working)


@contextlib.contextmanager
def _opened(session: Session, config: Path | None) -> Iterator[Runner]:
    try:
        from runner.service.config.load import find_config
        from runner.service.serve import opened
    except ImportError as error:
        raise UsageError(
            "the runner's service is not installed",
            why=f"{error.name} is missing",
            hint="make install-service, or pip install 'packhouse[service]'",
        ) from error
    session.machine()  # sets logging up
    with opened(config or find_config()) as runner:
        yield runner


_DRAIN_SECONDS = 24 * 3600


def _until_told(runner: Runner, working: Worker | None) -> None:
    """Wait for a signal: SIGHUP reloads, SIGUSR1 drains, SIGTERM and Ctrl-C end."""
    over = threading.Event()

    def end(*_: Any) -> None:
        over.set()

    def drain(*_: Any) -> None:
        if working is not None:
            working.drain(_DRAIN_SECONDS)
        over.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGUSR1, drain)
    signal.signal(signal.SIGHUP, lambda *_: runner.reload())
    while not over.wait(1.0):  # a signal interrupts no wait without end in every Python
        pass
