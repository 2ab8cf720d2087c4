# SPDX-License-Identifier: Apache-2.0
"""Look at every repository in time, several at once, and less often at hosts that fail."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import msgspec
import structlog

from runner.errors import PackhouseError
from runner.process import StoppedError
from runner.service.watch.memory import WatchRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.service.watch.look import Look, WatchedRepository
    from runner.service.watch.memory import WatchMemory

_LOOK_SECONDS = 900.0
"""Longer than any look takes: after that another process may try."""

_JITTER = 0.1
_MOST_BACKOFF = 3600.0
_HOST_PATIENCE = 3
"""Failures of one host in a row after which its other repositories wait as well."""

_HOST_REST = 60.0
_IDLE_SECONDS = 0.5


class Outcomes(Protocol):
    """Hears how long each look took and whether it failed, for metrics."""

    def __call__(self, host: str, seconds: float, *, failed: bool) -> None: ...


@dataclass(slots=True)
class _Host:
    failures: int = 0  # to answer; what is wrong with a repository is no fault of its host
    rests_until: float = 0.0


class Poller:
    """``repository`` gives one as it is configured now, with the seconds between two looks; None: no more.

    ``looks`` is the number of places: a look takes one, and the looking through of what was pushed keeps it.
    """

    def __init__(
        self,
        memory: WatchMemory,
        look: Look,
        repository: Callable[[str], tuple[WatchedRepository, float] | None],
        outcomes: Outcomes = lambda _host, _seconds, *, failed: None,  # noqa: ARG005
        *,
        looks: int = 8,
    ) -> None:
        self._memory, self._look, self._repository, self._outcomes = memory, look, repository, outcomes
        self._looks = looks
        self._hosts: dict[str, _Host] = {}
        self._busy: set[str] = set()
        self._freed = threading.Event()
        self._log = structlog.get_logger()

    def run(self, over: threading.Event) -> None:
        """Look at what is due until ``over`` is set."""
        with ThreadPoolExecutor(self._looks, "poll") as pool:
            while not over.is_set():
                self._freed.wait(_IDLE_SECONDS)
                self._freed.clear()
                try:
                    for name in self._memory.due(self._looks - len(self._busy), but=self._busy.copy()):
                        self._begin(pool, name)
                except Exception as error:  # noqa: BLE001  # watching goes on, whatever ails the database
                    self._log.warning("the repositories could not be looked at", error=str(error))

    def _begin(self, pool: ThreadPoolExecutor, name: str) -> None:
        found = self._found(name)
        if found is None or name in self._busy:
            return
        repository, seconds = found
        host = self._hosts.setdefault(_host_of(repository.settings.url), _Host())
        rest = host.rests_until - time.time()
        self._memory.looking(name, max(rest, _LOOK_SECONDS))
        if rest > 0:
            self._memory.looking(name, rest * (1 + random.random()))  # noqa: S311  # spreads load, hides nothing
            return
        self._busy.add(name)
        pool.submit(self._work, repository, seconds, host)

    def _found(self, name: str) -> tuple[WatchedRepository, float] | None:
        try:
            return self._repository(name)
        except PackhouseError as error:  # its own fault: the others are looked at
            self._log.warning("a repository could not be looked at", repository=name, error=str(error))
            before = self._memory.record(name)
            failures, due = before.failures + 1, time.time() + _HOST_REST
            self._memory.looking(name, _HOST_REST)
            self._memory.looked(msgspec.structs.replace(before, due_at=due, failures=failures, error=str(error)))
            return None

    def _work(self, repository: WatchedRepository, seconds: float, host: _Host) -> None:
        try:
            self._poll(repository, seconds, host)
        except StoppedError:
            self._memory.looking(repository.name, 0)  # the next thing to do at the next start
        except Exception as error:  # noqa: BLE001  # it is due again later, when the database may be back
            self._log.warning("a look could not be noted", repository=repository.name, error=str(error))
        finally:
            self._busy.discard(repository.name)
            self._freed.set()

    def _poll(self, repository: WatchedRepository, seconds: float, host: _Host) -> None:
        before, began = self._memory.record(repository.name), time.time()
        default, error, answered = before.default_branch, "", threading.Event()
        try:
            default, _ = self._look.take(repository, answered=answered.set)
        except PackhouseError as caught:
            error = repository.redact(str(caught))
            self._log.warning("a repository could not be looked at", repository=repository.name, error=error)
        except StoppedError:
            raise
        except Exception as caught:  # noqa: BLE001  # a fault of ours must not stop the watching of others
            error = repository.redact(f"internal error: {type(caught).__name__}: {caught}")
            self._log.exception("a fault while looking at a repository", repository=repository.name)
        failures = before.failures + 1 if error else 0
        self._note(host, failed=not answered.is_set())
        self._outcomes(_host_of(repository.settings.url), time.time() - began, failed=bool(error))
        spread = 1 + random.uniform(-_JITTER, _JITTER)  # noqa: S311
        wait = min(seconds * 2.0 ** min(failures, 10), max(seconds, _MOST_BACKOFF)) * spread
        self._memory.looked(
            WatchRecord(
                repository=repository.name,
                polled_at=began,
                due_at=time.time() + wait,
                failures=failures,
                error=error,
                default_branch=default,
            )
        )

    @staticmethod
    def _note(host: _Host, *, failed: bool) -> None:
        host.failures = host.failures + 1 if failed else 0
        if host.failures >= _HOST_PATIENCE:
            doublings = min(host.failures - _HOST_PATIENCE, 10)
            host.rests_until = time.time() + min(_HOST_REST * 2**doublings, _MOST_BACKOFF)


def _host_of(url: str) -> str:
    if "://" not in url:
        host, colon, _ = url.partition(":")
        return host.rpartition("@")[2] if colon else ""
    return urlsplit(url).hostname or ""
