# SPDX-License-Identifier: Apache-2.0
"""One request: what comes back, what is worth trying again, and what never gets out."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from runner.service.outbox.errors import RefusedError, TryLaterError
from runner.service.outbox.http import HttpSender, Request, json_request
from tests.support.certificates import make_certificate
from tests.support.recorder import Answer, Recorder, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "canary-token/with+signs"


@pytest.fixture
def sender() -> Iterator[HttpSender]:
    with HttpSender() as made:
        yield made


@pytest.fixture
def server() -> Iterator[Recorder]:
    with serve() as recorder:
        yield recorder


def request_to(url: str) -> Request:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return json_request("POST", url, {"state": "pending"}, headers=headers, secrets=(TOKEN,))


def test_what_is_sent_and_what_comes_back(sender: HttpSender, server: Recorder) -> None:
    server.script.append(Answer(201, {"id": 7}))
    assert sender.send(request_to(server.url + "/a/b%2Fc?x=1")).json(dict[str, int]) == {"id": 7}
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.query) == ("POST", "/a/b%2Fc", {"x": "1"})
    assert seen.json() == {"state": "pending"}
    assert seen.headers["user-agent"].startswith("packhouse/")
    assert seen.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_some_answers_are_worth_another_try(sender: HttpSender, server: Recorder, status: int) -> None:
    server.script.append(Answer(status))
    with pytest.raises(TryLaterError, match=str(status)):
        sender.send(request_to(server.url))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 422, 304])
def test_other_answers_are_final(sender: HttpSender, server: Recorder, status: int) -> None:
    server.script.append(Answer(status, {"message": "no"} if status != 304 else None))
    with pytest.raises(RefusedError) as caught:
        sender.send(request_to(server.url))
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "120"}, 120),
        (503, {"Retry-After": "7"}, 7),
        (403, {"Retry-After": "60"}, 60),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "{in 90}"}, 91),
        (429, {"Retry-After": "{date in 90}"}, 91),
        (429, {"Retry-After": "{date in -90}"}, 1),
        (429, {"Retry-After": "99999999999999999999"}, 21600),
        (429, {"Retry-After": "soon"}, 0),
        (429, {"Retry-After": "-5"}, 0),
        (429, {"Retry-After": "٣"}, 0),
    ],
)
def test_a_pause_is_kept(
    sender: HttpSender, server: Recorder, status: int, headers: dict[str, str], seconds: float
) -> None:
    values = {"{in 90}": str(int(time.time() + 90))}
    values |= {f"{{date in {off}}}": formatdate(time.time() + off, usegmt=True) for off in (90, -90)}
    sent = {name: values.get(value, value).encode().decode("latin-1") for name, value in headers.items()}
    server.script.append(Answer(status, headers=sent))
    with pytest.raises(TryLaterError) as caught:
        sender.send(request_to(server.url))
    assert seconds - 3 <= caught.value.after <= seconds
    assert caught.value.everything


def test_a_server_that_is_not_there_holds_everything_up(sender: HttpSender) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/{TOKEN}"
        with pytest.raises(TryLaterError, match="cannot be reached") as caught:
            sender.send(request_to(url))
    assert caught.value.everything
    assert TOKEN not in str(caught.value)


def test_a_connection_that_breaks_is_worth_another_try(sender: HttpSender, server: Recorder) -> None:
    server.script.append(Answer(hang_up=True))
    with pytest.raises(TryLaterError):
        sender.send(request_to(server.url))


def test_a_redirect_within_the_host_is_followed(sender: HttpSender, server: Recorder) -> None:
    server.script.append(Answer(307, headers={"Location": "/repositories/1/statuses"}))
    server.script.append(Answer(301, headers={"Location": server.url + "/new"}))
    assert sender.send(request_to(server.url)).status == 200
    assert [(seen.method, seen.path) for seen in server.seen[1:]] == [
        ("POST", "/repositories/1/statuses"),
        ("POST", "/new"),
    ]
    assert server.seen[-1].json() == {"state": "pending"}


def test_no_token_follows_a_redirect_to_another_host(sender: HttpSender, server: Recorder) -> None:
    with serve() as thief:
        for status in (301, 302, 303, 307, 308):
            server.script.append(Answer(status, headers={"Location": thief.url + "/steal"}))
            with pytest.raises(RefusedError):
                sender.send(request_to(server.url))
        assert thief.seen == []


def test_a_circle_ends(sender: HttpSender, server: Recorder) -> None:
    server.script.extend([Answer(307, headers={"Location": "/"})] * 9)
    with pytest.raises(RefusedError, match="circles"):
        sender.send(request_to(server.url))
    assert len(server.seen) == 4


def test_secrets_in_an_answer_stay_there(sender: HttpSender, server: Recorder) -> None:
    server.script.append(Answer(400, {"message": "x" * 280 + TOKEN, "header": TOKEN}))
    server.script.append(Answer(422, body=b"\x1b[31m" + TOKEN.encode() + b"\r\nSet-Cookie: x"))
    for _ in range(2):
        with pytest.raises(RefusedError) as caught:
            sender.send(request_to(server.url))
        assert "canary" not in str(caught.value) + repr(caught.value)
        assert "\x1b" not in str(caught.value)
    assert "canary" not in repr(request_to(server.url))


def test_an_answer_without_end_is_not_read(sender: HttpSender, server: Recorder) -> None:
    server.script.append(Answer(200, body=b"x" * (5 << 20)))
    with pytest.raises(TryLaterError, match="no end"):
        sender.send(request_to(server.url))


def test_a_certificate_nobody_vouches_for_is_not_trusted(sender: HttpSender, tmp_path: Path) -> None:
    made = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        got: list[bytes] = []
        thread = threading.Thread(target=_accept_once, args=(listener, context, got), daemon=True)
        thread.start()
        with pytest.raises(TryLaterError, match="certificate"):
            sender.send(request_to(f"https://127.0.0.1:{listener.getsockname()[1]}"))
        thread.join(5)
    assert got == []


def _accept_once(listener: socket.socket, context: ssl.SSLContext, got: list[bytes]) -> None:
    connection, _ = listener.accept()
    try:
        with context.wrap_socket(connection, server_side=True) as secured:
            if data := secured.recv(10):
                got.append(data)
    except OSError:
        pass


@pytest.mark.parametrize("url", ["", "no url", "http://", "http://[::1", "file:///etc/passwd", "http://a b/"])
def test_what_is_no_address_is_refused_or_not_reached(sender: HttpSender, url: str) -> None:
    with pytest.raises((RefusedError, TryLaterError)):
        sender.send(request_to(url))


def test_an_answer_in_another_form_is_refused(sender: HttpSender, server: Recorder) -> None:
    server.script.append(Answer(200, body=b"<html>welcome"))
    with pytest.raises(RefusedError):
        sender.send(request_to(server.url)).json(dict[str, int])
