# SPDX-License-Identifier: Apache-2.0
"""However much a runner knows, a page shows fifty of it, with links to the others, and finds them by name."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from litestar.testing import TestClient

from runner.service.config.secrets import Secrets
from runner.service.jobs.model import ImageKey, JobRequest, JobResult
from runner.service.serve import opened
from runner.service.watch.memory import WatchRecord
from runner.service.web.app import make_app
from runner.service.web.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.serve import Runner
    from tests.unit.service.web.conftest import Client

COUNT = 120
NAMES = [f"r{number:03}" for number in range(COUNT)]
LISTS = [("/", "/repositories/"), ("/schedules", "/repositories/"), ("/channels", "/channels/images/")]
CONFIG = """\
state: {folder}/state
destinations:
  images: {{url: "file://{folder}/releases"}}
secrets:
  hook: {{env: HOOK_SECRET}}
repositories:
"""
ENTRY = '  {name}: {{url: "https://git.example.org/{name}.git", schedules: [{{nightly: true, jitter: 1h}}]}}\n'


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("many")
    path = folder / "packhouse.yaml"
    path.write_text(CONFIG.format(folder=folder) + "".join(ENTRY.format(name=name) for name in NAMES))
    with opened(path) as runner:
        runner.watches.know(NAMES)
        for name in ("r007", "r107"):
            runner.watches.looking(name, 60)
            runner.watches.looked(WatchRecord(repository=name, due_at=1.0, failures=1, error="it is gone"))
        runner.scheduler.once(time.time() // 86400 * 86400 + 43200)
        for number, name in enumerate(NAMES):
            publish(runner, name, "edge", number + 1)
        publish(runner, "r000", "stable", 1)
        for number in range(3, 60):
            publish(runner, "r001", "edge", number)
        with TestClient(make_app(Site(runner=runner))) as client:
            yield client


def publish(runner: Runner, name: str, channel: str, number: int) -> None:
    image = ImageKey(repository=name, type_name="oem", arch="x86_64")
    asked = JobRequest(
        image=image, ref="refs/heads/main", commit="c" * 40, trigger="push", destination="images", channel=channel,
        nonce=str(number),
    )  # fmt: skip
    job = runner.jobs.add(asked)
    assert job is not None
    assert runner.jobs.end(job.id, 0, "done", result=JobResult(name=name, channel=channel, number=number))


def shown(page: str, address: str) -> list[str]:
    """Names in the rows of a page's table, told by what they link to."""
    return re.findall(rf'<t[hd][^>]*><a [^>]*href="{address}(r\d+)[^"]*"', page)


def link(page: str, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"]*)"', page)
    return found and found[1].replace("&amp;", "&")


def walk(client: Client, address: str, rows: str) -> list[str]:
    """Go from page to page, and return what all show; the way back leads to the first one."""
    names: list[str] = []
    here, following = address, link(client.get(address).text, "next")
    while True:
        found = shown(client.get(here).text, rows)
        assert len(found) <= 50
        names += found
        if following is None:
            break
        here, following = following, link(client.get(following).text, "next")
    while back := link(client.get(here).text, "prev"):
        here = back
    assert here == address
    return names


@pytest.mark.parametrize(
    ("address", "rows"),
    [("/", "/repositories/"), ("/schedules", "/repositories/"), ("/channels", "/channels/images/")],
)
def test_pages_follow_each_other_and_leave_nothing_out(client: Client, address: str, rows: str) -> None:
    names = walk(client, address, rows)
    assert sorted(set(names)) == NAMES
    assert len(names) == COUNT + (address == "/channels")


@pytest.mark.parametrize(
    ("address", "rows"),
    [("/", "/repositories/"), ("/schedules", "/repositories/"), ("/channels", "/channels/images/")],
)
def test_names_are_searched(client: Client, address: str, rows: str) -> None:
    assert sorted(shown(client.get(f"{address}?search=R11").text, rows)) == [f"r{n}" for n in range(110, 120)]
    assert shown(client.get(f"{address}?search=%25").text, rows) == []
    long = walk(client, f"{address}?search=r0", rows)
    assert sorted(set(long)) == NAMES[:100]


def test_only_repositories_in_trouble_are_shown_when_asked(client: Client) -> None:
    page = client.get("/?trouble=yes").text
    assert shown(page, "/repositories/") == ["r007", "r107"]
    assert f"2 of {COUNT}" in page
    assert shown(client.get("/?trouble=yes&search=r1").text, "/repositories/") == ["r107"]


def test_a_page_beyond_the_last_one_is_empty(client: Client) -> None:
    answer = client.get("/?skip=2000000")
    assert answer.status_code == 200
    assert shown(answer.text, "/repositories/") == []
    assert client.get("/?skip=-1").status_code == 400


def test_releases_of_a_channel_come_in_pages(client: Client) -> None:
    page = client.get("/channels/images/r001/edge").text
    assert '<th scope="row">59</th>' in page
    older = re.search(r'href="(/channels/images/r001/edge\?before=\d+)"', page)
    assert older is not None
    rest = re.findall(r'<th scope="row">(\d+)</th>', client.get(older[1]).text)
    assert rest == [str(number) for number in range(9, 1, -1)]


def test_the_jobs_of_one_of_many_repositories_are_asked_for_by_name(client: Client) -> None:
    page = client.get("/jobs?repository=r042").text
    assert 'name="repository" value="r042"' in page
    assert "<option>r0" not in page


def test_what_is_missing_fetches_no_secret(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Secrets, "value", lambda _secrets, name: asked.append(name))
    assert client.get("/repositories/none").status_code == 404
    assert client.get("/api/v1/jobs/99999").status_code == 404
    assert asked == []
