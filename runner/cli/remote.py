# SPDX-License-Identifier: Apache-2.0
"""Commands that speak to a runner: of jobs, repositories, schedules and workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from runner.cli.output import print_result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.cli.options import Session
    from runner.service.answers import JobDetails, WorkerState
    from runner.service.client import Client
    from runner.service.jobs.model import Job, Proposal

_STATES = ("queued", "running", "done", "failed", "cancelled")
_ENDED_BADLY = ("failed", "cancelled")


def _server(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--server``; the token is never an argument, which others on this machine could read."""
    option = click.option(
        "--server",
        envvar="PACKHOUSE_SERVER",
        default="http://127.0.0.1:8080",
        show_default=True,
        metavar="URL",
        help="Where packhouse serve is; PACKHOUSE_TOKEN holds the token.",
    )
    return option(command)


def _client(server: str) -> Client:
    import os

    from runner.service.client import Client

    return Client(server, os.environ.get("PACKHOUSE_TOKEN", ""))


@click.command()
@_server
@click.option("--state", type=click.Choice(_STATES), help="Only jobs in this state.")
@click.option("--repository", metavar="NAME", default="", help="Only jobs of this repository.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many.")
@click.pass_obj
def jobs(session: Session, /, server: str, state: str | None, repository: str, limit: int) -> None:
    """List a runner's jobs, the newest first."""
    from runner.service.answers import JobPage

    page = _client(server).get("jobs", JobPage, state=state, repository=repository, limit=limit)
    print_result(session.style, _plain(page.jobs), _table(page.jobs))


@click.command()
@_server
@click.argument("number", type=click.IntRange(min=1))
@click.option("--log", is_flag=True, help="Print the log of the newest attempt.")
@click.pass_obj
def job(session: Session, /, server: str, number: int, log: bool) -> int:  # noqa: FBT001
    """Show a job of a runner.

    The exit code is 1 when it failed or was cancelled.
    """
    from runner.service.answers import JobDetails

    client = _client(server)
    if log:
        for line in client.text(f"jobs/{number}/log"):
            click.echo(line)
        return 0
    found = client.get(f"jobs/{number}", JobDetails)
    print_result(session.style, _plain(found), _details(found))
    return 1 if found.job.state in _ENDED_BADLY else 0


@click.command()
@_server
@click.argument("number", type=click.IntRange(min=1))
@click.option("--why", default="", help="Shown with the job.")
@click.pass_obj
def cancel(session: Session, /, server: str, number: int, why: str) -> None:
    """End a job of a runner, whether it waits or runs."""
    from runner.service.jobs.model import Job

    ended = _client(server).post(f"jobs/{number}/cancel", Job, {"why": why})
    print_result(session.style, _plain(ended), f"job {number} ends")


@click.command()
@_server
@click.argument("number", type=click.IntRange(min=1))
@click.pass_obj
def retry(session: Session, /, server: str, number: int) -> None:
    """Ask a runner for the same job once more."""
    from runner.service.jobs.model import Job

    made = _client(server).post(f"jobs/{number}/retry", Job)
    print_result(session.style, _plain(made), _table((made,)))


@click.command()
@_server
@click.argument("repository")
@click.option("--ref", default="", metavar="NAME", help="Branch or tag; default is the default branch.")
@click.option("--look", is_flag=True, help="Only look for news now, as a webhook makes it.")
@click.pass_obj
def trigger(session: Session, /, server: str, repository: str, ref: str, look: bool) -> None:  # noqa: FBT001
    """Have a runner build a repository's images now."""
    from runner.service.answers import JobsMade, RepositoryState

    client, path = _client(server), f"repositories/{quote(repository, safe='')}"
    if look:
        state = client.post(f"{path}/look", RepositoryState)
        print_result(session.style, _plain(state), f"{repository} is looked at")
        return
    made = client.post(f"{path}/trigger", JobsMade, {"ref": ref})
    print_result(session.style, _plain(made), _table(made.jobs))


@click.command()
@_server
@click.argument("repository", required=False)
@click.argument("name", required=False)
@click.pass_obj
def schedule(session: Session, /, server: str, repository: str | None, name: str | None) -> None:
    """List a runner's schedules, or run one of them now.

    With REPOSITORY and NAME that schedule is run; when it is due next stays as it is.
    """
    from runner.service.answers import JobsMade, ScheduleState

    client = _client(server)
    if repository is None:
        found = client.get("schedules", tuple[ScheduleState, ...])
        print_result(session.style, _plain(found), "\n".join(_line(one) for one in found))
        return
    if name is None:
        raise click.UsageError("name the schedule too: packhouse schedule REPOSITORY NAME")
    path = f"schedules/{quote(repository, safe='')}/{quote(name, safe='')}/run"
    made = client.post(path, JobsMade)
    print_result(session.style, _plain(made), _table(made.jobs))


@click.command()
@_server
@click.option("--drain", metavar="WORKER", help="Have this one end its jobs and take no new ones.")
@click.pass_obj
def workers(session: Session, /, server: str, drain: str | None) -> None:
    """List a runner's workers, or drain one of them.

    A drained process that only builds ends; packhouse serve goes on with all else until it is started again.
    """
    from runner.service.answers import WorkerState

    if drain is None:
        found = _client(server).get("workers", tuple[WorkerState, ...])
    else:
        found = (_client(server).post(f"workers/{quote(drain, safe='')}/drain", WorkerState),)
    print_result(session.style, _plain(found), "\n".join(_worker_line(one) for one in found))


def _worker_line(worker: WorkerState) -> str:
    state = "silent" if not worker.live else "draining" if worker.draining else "takes jobs"
    running = ", ".join(str(number) for number in worker.jobs)
    labels = " ".join(worker.labels)
    return _safe(f"{worker.id}  {state}  {labels}  {f'jobs: {running}' if running else 'no job'}")


def _line(schedule_state: Any) -> str:
    from datetime import UTC, datetime

    due = datetime.fromtimestamp(schedule_state.due_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{due}  {schedule_state.repository}  {schedule_state.name}  {_safe(schedule_state.note)}".rstrip()


def _table(jobs_shown: Sequence[Job]) -> str:
    rows = [(str(one.number), one.state, _safe(str(one.request.image)), _safe(_note(one))) for one in jobs_shown]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    return "\n".join(
        f"{number:>{widths[0]}}  {state:<{widths[1]}}  {image:<{widths[2]}}  {note}".rstrip()
        for number, state, image, note in rows
    )


def _details(found: JobDetails) -> str:
    from runner.release.changes_text import changes_text

    job_shown = found.job
    request, error = job_shown.request, job_shown.error
    proposal = job_shown.result.proposal if job_shown.result else None
    facts = {
        "job": str(job_shown.number),
        "state": job_shown.state,
        "image": str(request.image),
        "ref": f"{request.ref} at {request.commit}",
        "note": _note(job_shown),
        "lock": _where(proposal) if proposal and not proposal.error else "",
        "warning": f"the refreshed lock is not proposed: {proposal.error}" if proposal and proposal.error else "",
        "because": error.why if error else "",
        "to fix": error.hint if error else "",
    }
    lines = [f"{name:<8} {value}" for name, value in facts.items() if value]
    if found.changes is not None:
        lines += ["", *changes_text(found.changes).splitlines()]
    return "\n".join(map(_safe, lines))


def _where(proposal: Proposal) -> str:
    return proposal.url or (f"pushed to {proposal.branch}" if proposal.branch else "")


def _note(job_shown: Job) -> str:
    if job_shown.error is not None:
        return job_shown.error.what
    if job_shown.result is not None and job_shown.result.number:
        return f"release {job_shown.result.number} in {job_shown.result.channel}"
    return job_shown.cancel or job_shown.reason


def _safe(text: str) -> str:
    """Return text that a terminal takes for text: names of branches and errors may hold escape sequences."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _plain(value: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(value)
