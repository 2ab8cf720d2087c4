# SPDX-License-Identifier: Apache-2.0
"""What the pages of a runner cost that knows very many repositories and jobs: ``benchmarks/pages.py --help``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import watch_place as place
import yaml
from litestar.testing import TestClient

from runner.service.database.connect import database_url, open_database
from runner.service.database.tables import JOBS, METADATA, WATCHES
from runner.service.jobs.model import Artifact, ImageKey, JobRequest, JobResult
from runner.service.jobs.store import JobStore
from runner.service.serve import opened
from runner.service.web.app import make_app
from runner.service.web.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROUNDS = 5
_WAITING = 0.05
"""Share of jobs that wait, the newest ones."""

_IN_PARTS = 10_000
_ARTIFACTS = tuple(Artifact(name=f"image-{number}", size=1, sha256="d" * 64) for number in range(3))
PAGES = {
    "overview": "/",
    "overview, searched": "/?search=r00001",
    "overview, only what is in trouble": "/?trouble=yes",
    "jobs": "/jobs",
    "jobs of a repository": "/jobs?repository=r000001",
    "jobs that failed, of which there are none": "/jobs?state=failed",
    "queue": "/queue",
    "repository": "/repositories/r000001",
    "channels": "/channels",
    "channel": "/channels/images/r000001/edge",
    "schedules": "/schedules",
    "feed": "/feeds/images/r000001/edge",
    "badge": "/badges/r000001/status.svg",
    "metrics": "/metrics",
    "API, repositories": "/api/v1/repositories",
    "API, jobs": "/api/v1/jobs",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure as asked, print a table and write the same as JSON."""
    options = _options(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="packhouse-pages-") as folder:
        found = _measured(Path(folder), options.repositories, options.jobs)
    setting = {"repositories": options.repositories, "jobs": options.jobs}
    (options.out / "pages.json").write_text(json.dumps({"setting": setting, "pages": found}, indent=2) + "\n")
    print(f"{options.repositories:,} repositories with a schedule each, {options.jobs:,} jobs\n")
    print("| page | processor, ms | size, kB |\n| --- | ---: | ---: |")
    for name, one in found.items():
        print(f"| {name} | {1000 * one['seconds']:,.0f} | {one['bytes'] / 1000:,.0f} |")
    return 0


def _measured(folder: Path, repositories: int, jobs: int) -> dict[str, dict[str, float]]:
    schedules: dict[str, Any] = {"schedules": [{"nightly": True, "jitter": "4h"}], "destination": "images"}
    names = [f"r{number:06}" for number in range(repositories)]
    config = {
        "state": str(folder / "state"),
        "destinations": {"images": {"url": "s3://images/releases", "settings": {"AWS_REGION": "eu"}}},
        "repositories": {name: {"url": f"https://git.example.org/{name}.git", **schedules} for name in names},
    }
    (folder / "packhouse.yaml").write_text(yaml.safe_dump(config))
    _fill(folder / "state", names, jobs)
    with opened(folder / "packhouse.yaml") as runner:
        runner.watches.know(names)
        for name in names[:: max(1, repositories // 100)]:
            runner.watches.moved(name, place.MAIN, "c" * 40, ())
        with runner.engine.begin() as connection:
            troubled = WATCHES.c.repository.in_(names[:: max(1, repositories // 100)])
            connection.execute(sa.update(WATCHES).where(troubled).values(failures=1, error="it is gone"))
        runner.scheduler.once(time.time() // 86400 * 86400 + 43200)
        with TestClient(make_app(Site(runner=runner))) as client:
            return {name: _costs(client, address) for name, address in PAGES.items()}


def _costs(client: TestClient[Any], address: str) -> dict[str, float]:
    """Return the least processor time of a few; the client's own is in it, some milliseconds."""
    seconds, size = float("inf"), 0
    for _ in range(_ROUNDS):
        began = time.process_time()
        answer = client.get(address)
        seconds = min(seconds, time.process_time() - began)
        size = len(answer.raise_for_status().content)
    return {"seconds": seconds, "bytes": float(size)}


def _fill(state: Path, names: Sequence[str], count: int) -> None:
    """Have ``count`` jobs, most of them done and published, one after another of each repository."""
    url = database_url("", state)
    engine = open_database(url)
    rows = _two(engine)
    with engine.begin() as connection:
        connection.execute(sa.delete(JOBS))
        for first in range(0, count, _IN_PARTS):
            numbers = range(first + 1, min(first + _IN_PARTS, count) + 1)
            connection.execute(sa.insert(JOBS), list(_copies(rows, names, numbers, count)))
        for table in {"newest", "releases"} & METADATA.tables.keys():
            connection.execute(sa.text(f"DROP TABLE {table}"))
    engine.dispose()
    open_database(url).dispose()  # looks through the jobs for those tables


def _two(engine: sa.Engine) -> dict[str, dict[str, Any]]:
    """Return the row of a job that is done, and of one that waits."""
    jobs = JobStore(engine)
    for nonce in ("done", "queued"):
        image = ImageKey(repository="REPOSITORY", type_name="oem", arch="x86_64")
        request = JobRequest(
            image=image, ref=place.MAIN, commit="c" * 40, trigger="push", destination="images", channel="edge",
            nonce=nonce,
        )  # fmt: skip
        made = jobs.add(request, labels=("x86_64",))
        assert made is not None  # noqa: S101  # the database is empty
        if nonce == "done":
            result = JobResult(name="REPOSITORY", channel="edge", version="1.0", number=1, artifacts=_ARTIFACTS)
            jobs.end(made.id, 0, "done", result=result)
    with engine.connect() as connection:
        return {row["state"]: dict(row) for row in connection.execute(sa.select(JOBS)).mappings()}


def _copies(
    rows: dict[str, dict[str, Any]], names: Sequence[str], numbers: range, last: int
) -> Iterator[dict[str, Any]]:
    for number in numbers:
        row, name = rows["done" if number <= last * (1 - _WAITING) else "queued"], names[number % len(names)]
        texts = {key: row[key].replace("REPOSITORY", name) for key in ("image", "request", "result")}
        yield {**row, **texts, "id": f"{number:032}", "once": f"{number}", "number": number, "repository": name}


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--out", type=Path, default=Path("bench-out"), help="folder of pages.json")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
