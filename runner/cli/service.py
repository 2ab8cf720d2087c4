# SPDX-License-Identifier: Apache-2.0
"""``serve`` and ``worker``: the runner's processes."""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner.cli.options import Session
    from runner.cli.output import Style
    from runner.redact import Redactor
    from runner.service.queue.worker import Worker
    from runner.service.serve import Runner

    _Told = queue.SimpleQueue[int]

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

    told = _listen()
    with _opened(session, config) as runner, contextlib.ExitStack() as stack:
        if no_build and runner.queue_url.startswith("sqlite:"):
            raise UsageError("--no-build needs workers, and those need a database: postgresql://…")
        worker = None if no_build else stack.enter_context(building(runner))
        stack.enter_context(watching(runner, keep_queue=no_build))
        stack.enter_context(serving(runner))
        _until_told(told, runner, worker)


@click.command()
@_config
@click.option("--labels", metavar="A,B", default="", help="What this machine has besides its architecture.")
@click.option("--builds", type=click.IntRange(1, 256), help="Jobs at once.")
@click.pass_obj
def worker(session: Session, /, config: Path | None, labels: str, builds: int | None) -> None:
    """Build what a runner on another machine asks for."""
    from runner.service.serve import building

    told = _listen()
    with _opened(session, config) as runner:
        if runner.queue_url.startswith("sqlite:"):
            raise UsageError(
                "workers need a database that many machines reach",
                hint="set database: postgresql://… in packhouse.yaml; packhouse serve alone builds too",
            )
        with building(runner, [name for name in labels.split(",") if name], builds) as working:
            _until_told(told, runner, working, drained=True)


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
    with opened(config or find_config(), keep_log=_log(session.style)) as runner:
        yield runner


def _log(style: Style) -> Callable[[Redactor], None]:
    """Whoever runs a service wants to know what it does, -v or not."""
    from runner import log

    level = logging.DEBUG if style.verbose > 1 else logging.INFO
    return lambda redact: log.configure(level=level, json=style.json, redact=redact)


def _listen() -> _Told:
    """Note what is no reason to end from now on, so that a reload of what only just starts does not kill it."""
    told: _Told = queue.SimpleQueue()  # a signal may come while it is used; anything may last
    _note(told, signal.SIGUSR1, signal.SIGHUP)
    return told


def _note(told: _Told, *numbers: int) -> None:
    for each in numbers:
        signal.signal(each, lambda number, _: told.put(number))


def _until_told(told: _Told, runner: Runner, working: Worker | None, *, drained: bool = False) -> None:
    """Wait for a signal: SIGHUP reloads, SIGUSR1 drains, SIGTERM and Ctrl-C end.

    ``drained``: end as well when somebody else drained the worker.
    """
    _note(told, signal.SIGTERM, signal.SIGINT)
    while not (drained and (working is None or working.is_drained)):
        with contextlib.suppress(queue.Empty):
            number = told.get(timeout=1.0)
            if number in {signal.SIGTERM, signal.SIGINT}:
                return
            if number == signal.SIGHUP:
                runner.reload()
                continue
            drained = True
            if working is not None:
                working.drain()
