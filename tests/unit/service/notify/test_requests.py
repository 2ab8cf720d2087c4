# SPDX-License-Identifier: Apache-2.0
"""Notices to programs and chats, on servers that look at them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from standardwebhooks import Webhook

from runner.service.config.model import Notification
from runner.service.notify.notice import Notice, notice_of
from runner.service.notify.send import send_notice
from runner.service.outbox.errors import RefusedError
from runner.service.outbox.http import HttpSender
from tests.support.deliveries import SIGNING_TOKEN
from tests.support.jobs import REQUEST, job_in
from tests.support.recorder import Recorder, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = "https://images.example"
SECRETS = {"hook": SIGNING_TOKEN, "matrix": "canary-matrix-token"}
HOSTILE = "refs/heads/<!channel>@all<script>alert(1)</script>\r\nBcc: x&y"


@pytest.fixture
def server() -> Iterator[Recorder]:
    with serve() as recorder:
        yield recorder


def send(notice: Notice, to: Notification, **secrets: str) -> None:
    with HttpSender() as sender:
        send_notice(sender, notice, to, secret={**SECRETS, **secrets}.__getitem__, now=time.time())


def hostile() -> Notice:
    return notice_of(job_in("failed", request=msgspec.structs.replace(REQUEST, ref=HOSTILE)), "failure", PAGES)


def test_what_is_told_of_a_failure() -> None:
    notice = notice_of(job_in("failed"), "failure", PAGES)
    assert notice.headline == "images:server:a+b:oem:x86_64 failed on main"
    assert notice.lines == (
        "Commit cccccccccccc, job 12",
        "config.sh ended with exit code 1: no such command",
        "To fix: mend it",
    )


def test_what_is_told_of_a_release() -> None:
    notice = notice_of(job_in("done"), "fixed", PAGES)
    assert notice.headline == "images:server:a+b:oem:x86_64 works again on main"
    assert "Release 17 (1.2.3) in edge" in notice.lines
    assert notice_of(job_in("cancelled"), "cancelled", "").detail == "superseded by job 13"


def test_a_webhook_is_signed_as_others_verify_it(server: Recorder) -> None:
    notice = notice_of(job_in("done"), "fixed", PAGES)
    for _ in range(2):
        send(notice, Notification(kind="webhook", url=server.url + "/hook", token="hook"))
    first, second = server.seen
    verified = Webhook(SIGNING_TOKEN).verify(first.body, first.headers)
    assert verified["type"] == "job.fixed"
    assert verified["timestamp"] == "2001-09-09T01:46:40Z"
    assert verified["data"]["url"] == "https://images.example/jobs/12"
    assert msgspec.convert(verified["data"], Notice) == notice
    assert first.headers["webhook-id"] == second.headers["webhook-id"], "so that a receiver can tell a repetition"


def test_a_webhook_without_a_secret_is_not_signed(server: Recorder) -> None:
    send(hostile(), Notification(kind="webhook", url=server.url))
    assert not [name for name in server.seen[0].headers if name.startswith("webhook-")]
    assert server.seen[0].json()["data"]["ref"] == HOSTILE


def test_slack_reads_no_markup_of_others(server: Recorder) -> None:
    send(hostile(), Notification(kind="slack", url_secret="slack"), slack=server.url + "/services/canary-T1/B2")
    (seen,) = server.seen
    assert seen.path == "/services/canary-T1/B2"
    text = seen.json()["text"]
    assert "<!channel>" not in text
    assert "@all" not in text
    assert "&lt;!channel&gt;" in text
    assert text.count("<") == 1, "our own link"
    assert text.endswith("<https://images.example/jobs/12>")


def test_the_address_of_a_chat_is_a_secret() -> None:
    with serve() as server:
        url = server.url + "/services/canary-T1/B2"
    with pytest.raises(Exception, match="cannot be reached") as caught:
        send(hostile(), Notification(kind="slack", url_secret="slack"), slack=url)
    assert "canary" not in str(caught.value)


def test_matrix_gets_a_message_once_a_room(server: Recorder) -> None:
    rooms = ("!abc:matrix.example", "!d/e:matrix.example")
    for _ in range(2):
        send(hostile(), Notification(kind="matrix", url=server.url + "/", token="matrix", to=rooms))
    paths = [seen.path for seen in server.seen]
    assert paths[:2] == paths[2:], "the same transaction, however often it is sent"
    assert paths[:2] == [
        f"/_matrix/client/v3/rooms/{room}/send/m.room.message/0123456789abcdef-failure"
        for room in ("%21abc%3Amatrix.example", "%21d%2Fe%3Amatrix.example")
    ]
    seen = server.seen[0]
    assert (seen.method, seen.headers["authorization"]) == ("PUT", "Bearer canary-matrix-token")
    value = seen.json()
    assert (value["msgtype"], value["format"]) == ("m.notice", "org.matrix.custom.html")
    assert "<script>" not in value["formatted_body"]
    assert "&lt;script&gt;" in value["formatted_body"]
    assert value["m.mentions"] == {}


def test_no_secret_is_in_a_body(server: Recorder) -> None:
    send(hostile(), Notification(kind="webhook", url=server.url, token="hook"))
    send(hostile(), Notification(kind="matrix", url=server.url, token="matrix", to=("!a:b",)))
    for seen in server.seen:
        assert not any(secret in json.dumps(seen.json()) for secret in SECRETS.values())


def test_a_refusal_is_final(server: Recorder) -> None:
    from tests.support.recorder import Answer

    server.script.append(Answer(403, {"errcode": "M_FORBIDDEN", "error": "not in the room"}))
    with pytest.raises(RefusedError, match="403"):
        send(hostile(), Notification(kind="matrix", url=server.url, token="matrix", to=("!a:b",)))
