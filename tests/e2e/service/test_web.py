# SPDX-License-Identifier: Apache-2.0
"""The pages in a real browser: fast with a long log, safe with hostile names, usable by everybody.

With PACKHOUSE_SCREENSHOTS=DIR names are ordinary, and pictures of all pages are written into DIR.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from runner.service.logs.writer import LogWriter
from runner.service.web.server import serving
from tests.support import site as filled
from tests.support.site import IMAGE, PLAIN, QUOTED, SCRIPT, TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page

    from runner.service.jobs.model import Job
    from runner.service.serve import Runner

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-web")]

PICTURES = bool(os.environ.get("PACKHOUSE_SCREENSHOTS"))
LINES = 100_000
PHONE: Any = {"width": 360, "height": 740}
DESK: Any = {"width": 1200, "height": 800}
PAGES = {
    "overview": "/",
    "overview-searched": "/?search=e&trouble=yes",
    "queue": "/queue",
    "jobs": "/jobs",
    "job": "/jobs/2",
    "job-failed": "/jobs/4",
    "job-running": "/jobs/6",
    "image": f"/image?name={quote(str(PLAIN))}",
    "image-hostile": f"/image?name={quote(str(IMAGE))}",
    "repository": "/repositories/servers",
    "channels": "/channels",
    "channel": "/channels/images/server/edge",
    "schedules": "/schedules",
    "missing": "/jobs/999",
}


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in filled.environment().items():
            patch.setenv(name, value)
        with filled.runner_in(tmp_path_factory.mktemp("web")) as runner:
            yield runner


@pytest.fixture(scope="module")
def jobs(runner: Runner) -> dict[str, Job]:
    return filled.fill(runner, calm=PICTURES)


@pytest.fixture(scope="module")
def url(runner: Runner, jobs: dict[str, Job]) -> Iterator[str]:
    with serving(runner) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = shutil.which("chromium")
    assert program is not None, "chromium is not installed: make install-dev"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A page, and everything it did that it should not."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(60_000)
        self.faults: list[str] = []
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("console", self._said)

    def _dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _said(self, said: ConsoleMessage) -> None:
        if said.type == "error" and "status of 404" not in said.text:
            self.faults.append(f"console: {said.text}")


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport=DESK)
    watched = Watched(context)
    yield watched
    context.close()
    assert watched.faults == []


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    over = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < over, "it did not come to be"
        time.sleep(0.1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [name for name in PAGES if not (PICTURES and "hostile" in name)])
def test_a_page_is_accessible_and_fits_a_phone(browser: Browser, url: str, name: str, scheme: Any) -> None:
    for viewport, kind in ((PHONE, "phone"), (DESK, "desk")):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        watched = Watched(context)
        page = watched.page
        page.goto(url + PAGES[name])
        if page.locator("#log").count():
            until(lambda page=page: "\n" in (page.locator("#log .text").first.text_content() or ""))  # type: ignore[misc]
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{name} scrolls sideways by {wider} pixels"
        _picture(page, f"{name}-{kind}-{scheme}")
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        serious = [
            (fault["id"], [node["html"] for node in fault["nodes"]][:3])
            for fault in found
            if fault["impact"] in {"serious", "critical"}
        ]
        assert serious == []
        context.close()
        assert watched.faults == []


def _picture(page: Page, name: str) -> None:
    if not PICTURES:
        return
    # A log is drawn only where it is seen, so the window becomes as high as the page.
    width = page.evaluate("window.innerWidth")
    height = min(page.evaluate("document.body.offsetHeight + 16"), 3000)
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(500)
    page.screenshot(path=Path(os.environ["PACKHOUSE_SCREENSHOTS"]) / f"{name}.png")


def test_hostile_names_stay_text(watched: Watched, url: str, jobs: dict[str, Job]) -> None:
    page = watched.page
    page.goto(f"{url}/jobs/{jobs['failed'].number}")
    log = page.locator("#log .text").first
    until(lambda: "line 199 of the build" in (log.text_content() or ""))
    text = log.text_content() or ""
    assert text.startswith(f"{SCRIPT}\n{QUOTED}\nred plain bold green\n")
    assert page.locator("#log script, #log img, main img").count() == 0
    assert page.locator("#log .fg-1").first.text_content() == "red"
    assert SCRIPT in (page.locator(".problem").text_content() or "")


def test_a_live_log_of_many_lines_stays_responsive(
    watched: Watched, url: str, runner: Runner, jobs: dict[str, Job]
) -> None:
    job = filled.add(runner, filled.request())
    begun = filled.begin(runner, job)
    page = watched.page
    page.goto(f"{url}/jobs/{job.number}")
    page.evaluate("""() => {
        window.longest = 0; let last = performance.now();
        const beat = () => { const now = performance.now(); window.longest = Math.max(window.longest, now - last);
            last = now; requestAnimationFrame(beat); };
        requestAnimationFrame(beat);
    }""")
    writer = threading.Thread(target=_write, args=(runner, begun))
    writer.start()
    began = time.monotonic()
    last = f"{LINES}\n"
    until(lambda: (page.locator("#log .numbers").last.text_content() or "").endswith(last), 120)
    seconds = time.monotonic() - began
    writer.join()
    longest = page.evaluate("window.longest")
    print(f"{LINES} lines were shown after {seconds:.1f} s; the longest frame took {longest:.0f} ms")  # noqa: T201
    assert longest < 3000, "the page stood still"
    page.locator("#log-search").fill("line 77777 of")
    page.locator("#log-search").press("Enter")
    until(lambda: page.locator("#log-found").text_content() == "1 of 1")
    assert page.locator("#log-line").input_value() == "77778"
    page.goto(f"{url}/jobs/{job.number}#L50001")
    page.reload()
    until(lambda: page.locator("#log .stripe.chosen").count() == 1)
    assert page.locator("#log-line").input_value() == "50001"


def _write(runner: Runner, job: Job) -> None:
    with LogWriter(runner.engine, job.id, job.attempt) as log:
        for number in range(LINES):
            log(f"\x1b[3{number % 8}mline {number}\x1b[0m of a long build, {'and so on ' * (number % 9)}")


def test_a_log_goes_on_when_the_connection_was_lost(
    watched: Watched, url: str, runner: Runner, jobs: dict[str, Job]
) -> None:
    job = filled.add(runner, filled.request())
    begun = filled.begin(runner, job, ("before",))
    page = watched.page
    page.goto(f"{url}/jobs/{job.number}")
    text = page.locator("#log .text").first
    until(lambda: text.text_content() == "before\n")
    page.context.set_offline(True)
    with LogWriter(runner.engine, begun.id, begun.attempt) as log:
        log._next = 1
        log("after")
    page.context.set_offline(False)
    until(lambda: text.text_content() == "before\nafter\n")


def test_a_job_is_cancelled_from_its_page_by_keyboard(
    browser: Browser, url: str, runner: Runner, jobs: dict[str, Job]
) -> None:
    job = filled.add(runner, filled.request())
    context = browser.new_context(viewport=DESK)
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{url}/jobs/{job.number}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Cancel"
    page.keyboard.press("Enter")
    page.locator("#token-field").wait_for()
    page.keyboard.type(TOKENS["TOKEN_ADMIN"])
    page.keyboard.press("Enter")
    until(lambda: page.locator("#notice").text_content() == "Done.")
    found = runner.jobs.get(job.id)
    assert found is not None
    assert found.state == "cancelled"
    context.close()
