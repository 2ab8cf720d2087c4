# SPDX-License-Identifier: Apache-2.0
"""The few words in which the runner speaks to its queue, so that the queue can be replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def queue_name(labels: Sequence[str]) -> str:
    """Return the queue of jobs that need ``labels``: one for each set of them."""
    return "+".join(sorted(set(labels))) or "any"


class Durable(Protocol):
    """What the body of a job does so that it survives the death of its process."""

    def step(self, name: str, do: Callable[[], str]) -> str:
        """Return what ``do`` returns; where the job was resumed after this step, what it returned then.

        What ``do`` raises other than ``Abandoned`` ends the job's run for good.
        """
        ...


class Abandoned(BaseException):  # no error, and nothing that an ``except Exception`` may catch
    """This process is to have nothing more to do with the job: another one has it, or will.

    It must not be recorded as the outcome of a step.
    """


class Queue(Protocol):
    """Jobs by their ids. Each call may be repeated without harm."""

    def submit(self, job_id: str, *, labels: Sequence[str], priority: int) -> None:
        """Have a job run by a worker that has ``labels``; less ``priority`` is sooner."""
        ...

    def cancel(self, job_id: str) -> None:
        """Take a job out that waits; one that runs sees by itself that it is to end."""
        ...

    def resume(self, job_id: str, *, labels: Sequence[str]) -> None:
        """Give a job whose worker is gone to another one."""
        ...

    def outdated(self, job_ids: Sequence[str]) -> set[str]:
        """Return those of ``job_ids`` that wait for a worker of an older version, as from before an upgrade."""
        ...

    def renew(self, job_id: str, *, labels: Sequence[str], priority: int) -> None:
        """Forget what was done of a job that waits, and have a worker of this version begin it."""
        ...

    def known(self, job_ids: Sequence[str]) -> set[str]:
        """Return those of ``job_ids`` that were submitted."""
        ...

    def ended(self, job_ids: Sequence[str]) -> set[str]:
        """Return those of ``job_ids`` that no worker has, nor will take."""
        ...

    def forget(self, before: float, *, most: int) -> int:
        """Forget at most ``most`` jobs that it was done with before ``before``, and return how many."""
        ...

    def held(self) -> dict[str, str]:
        """Return the jobs that a worker took and did not finish: id to worker."""
        ...
