# SPDX-License-Identifier: Apache-2.0
"""Pages show what is in the database, and nothing in it becomes markup."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.support.site import IMAGE, PLAIN, QUOTED, SCRIPT

if TYPE_CHECKING:
    from runner.service.jobs.model import Job
    from tests.unit.service.web.conftest import Client

PAGES = [
    "/",
    "/queue",
    "/jobs",
    "/jobs?state=failed&repository=servers",
    "/repositories/servers",
    "/repositories/empty",
    f"/image?name={quote(str(IMAGE))}",
    f"/image?name={quote(str(PLAIN))}",
    "/channels",
    "/channels/images/server/edge",
    "/schedules",
    "/jobs/1",
    "/jobs/2",
    "/jobs/4",
    "/jobs/5",
    "/jobs/6",
    "/jobs/6?attempt=1",
    "/jobs/7",
    "/jobs/999",
    "/nothing/here",
]


class Markup(HTMLParser):
    """Collects what a browser would run or load, ids, and texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str | None] = []
        self.images: list[str | None] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.handlers += [name for name in found if name.startswith("on")]
        self.inline += [tag for name in found if name == "style"] + [tag] * (tag == "style")
        if "id" in found:
            self.ids.append(found["id"] or "")
        if tag == "script":
            self.scripts.append(found.get("src"))
        if tag == "img":
            self.images.append(found.get("src"))

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


@pytest.mark.parametrize("address", PAGES)
def test_a_page_runs_and_loads_nothing_but_ours(client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code in {200, 404}
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Markup(answer.text)
    assert set(page.scripts) <= {"/static/actions.js", "/static/log.js"}
    assert all(str(source).startswith("/badges/") for source in page.images)
    assert (page.handlers, page.inline) == ([], [])
    assert len(page.ids) == len(set(page.ids))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_is_hostile_is_shown_as_it_is(client: Client, jobs: dict[str, Job]) -> None:
    page = Markup(client.get(f"/jobs/{jobs['failed'].number}").text)
    assert f"config.sh failed: {SCRIPT}" in page.text
    assert f"{SCRIPT}{QUOTED}" in page.text
    assert str(IMAGE) in page.text


def test_a_job_shows_what_changed_since_the_build_before(client: Client, jobs: dict[str, Job]) -> None:
    page = Markup(client.get(f"/jobs/{jobs['second'].number}").text)
    words = " ".join(page.text.split())
    assert (
        "Changes since job 1 Since release 1 (1.0.1): packages 1 updated, 1 added, 1 removed; size +20.0 MiB"
        in words
    )
    assert "bash amd64 5.1 5.2" in words
    assert "old amd64 1 gone" in words
    assert f"{SCRIPT} amd64 \N{EN DASH} 1.0" in words
    assert "tzdata" not in words
    assert "server.x86_64-1.0.2.raw 400.0 MiB 420.0 MiB +20.0 MiB" in words
    command = "AWS_ENDPOINT_URL=https://s3.example.org packhouse fetch s3://images/releases server@1.0.2"
    assert f"{command} --key release.pub -o server" in words


def test_a_job_that_waits_says_why(client: Client, jobs: dict[str, Job]) -> None:
    assert "Waits: the only build is busy" in client.get(f"/jobs/{jobs['waiting'].number}").text


def test_old_attempts_can_be_looked_at(client: Client, jobs: dict[str, Job]) -> None:
    page = client.get(f"/jobs/{jobs['running'].number}?attempt=1").text
    assert "Log of attempt 1" in page
    assert "cut off" in page


def test_jobs_are_filtered_and_paged(client: Client) -> None:
    page = Markup(client.get("/jobs?state=done").text)
    assert "failed: " not in page.text
    assert client.get("/jobs?before=2").text.count("/jobs/1") >= 1
    assert client.get("/jobs?state=nonsense").status_code == 200


@pytest.mark.parametrize("kind", ["status", "version", "size"])
def test_badges_are_drawings_that_others_may_show(client: Client, kind: str) -> None:
    answer = client.get(f"/badges/servers/{kind}.svg?ref=main")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert {"status": "passing", "version": "1.0.3", "size": "410.0 MiB"}[kind] in answer.text
    assert "unknown" in client.get(f"/badges/empty/{kind}.svg").text
    assert client.get(f"/badges/none/{kind}.svg").status_code == 404


def test_a_badge_tells_of_one_image(client: Client) -> None:
    assert "failing" in client.get("/badges/servers/status.svg", params={"image": str(IMAGE)}).text


def test_a_channel_has_a_feed(client: Client) -> None:
    from lxml import etree

    answer = client.get("/feeds/images/server/edge")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    root = etree.fromstring(answer.content)
    names = {"a": "http://www.w3.org/2005/Atom"}
    titles = [title.text for title in root.iterfind("a:entry/a:title", names)]
    assert titles == [f"server 1.0.{number}, release {number} in edge" for number in (3, 2, 1)]
    link = root.find("a:entry/a:link", names)
    assert link is not None
    assert link.get("href") == "https://images.example.org/jobs/3"


def test_metrics_tell_what_the_database_knows(client: Client) -> None:
    text = client.get("/metrics").text
    assert 'packhouse_queue_depth{state="queued"} 1.0' in text
    assert 'packhouse_queue_depth{state="running"} 1.0' in text
    assert 'packhouse_worker_up{worker="builder-1"} 1.0' in text
    assert 'packhouse_channel_version{channel="edge",image="server"} 3.0' in text
    assert 'packhouse_artifact_bytes{arch="x86_64",image="servers:server:oem:x86_64"}' in text
    assert client.get("/healthz").text == "ok\n"
    assert client.get("/readyz").text == "ready\n"
