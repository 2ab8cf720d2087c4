# SPDX-License-Identifier: Apache-2.0
"""Calls of forges, and what forgers would try."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.service.webhooks.call import MAX_BODY, Hint, WebhookRefusedError
from runner.service.webhooks.receive import verify
from runner.service.webhooks.signature import sign_standard, standard_key
from tests.support.deliveries import SIGNING_TOKEN, push_body, replaced, signed_push

if TYPE_CHECKING:
    from tests.support.deliveries import Headers
    from tests.support.forge import Kind

URL = "https://forge.example/acme/images.git"
SECRET = "canary-hook-secret"
NOW = 1_800_000_000.0

SENDERS: list[tuple[Kind, str]] = [
    ("github", SECRET),
    ("gitlab", SECRET),
    ("gitlab", SIGNING_TOKEN),
    ("gitea", SECRET),
    ("forgejo", SECRET),
]
SIGNATURES = {
    ("github", SECRET): "X-Hub-Signature-256",
    ("gitlab", SECRET): "X-Gitlab-Token",
    ("gitlab", SIGNING_TOKEN): "webhook-signature",
    ("gitea", SECRET): "X-Gitea-Signature",
    ("forgejo", SECRET): "X-Forgejo-Signature",
}
each_sender = pytest.mark.parametrize(("kind", "secret"), SENDERS, ids=["-".join(each)[:16] for each in SENDERS])
each_gitlab = pytest.mark.parametrize("secret", [SECRET, SIGNING_TOKEN], ids=["token", "signed"])
each_hex = pytest.mark.parametrize("kind", ["github", "gitea", "forgejo"])


def check(kind: Kind, headers: Headers, body: bytes, *secrets: str, url: str = URL, now: float = NOW) -> Hint:
    return verify(kind, url=url, secrets=secrets or (SECRET,), headers=headers, body=body, now=now)


def refusal(kind: Kind, headers: Headers, body: bytes, *secrets: str, url: str = URL, now: float = NOW) -> str:
    with pytest.raises(WebhookRefusedError) as caught:
        check(kind, headers, body, *secrets, url=url, now=now)
    assert 400 <= caught.value.status < 500
    assert all(secret not in str(caught.value) for secret in (SECRET, SIGNING_TOKEN, *secrets))
    return caught.value.reason


@each_sender
def test_a_push_is_understood(kind: Kind, secret: str) -> None:
    body = push_body(kind, URL)
    hint = check(kind, signed_push(kind, secret, body, delivery="d-1", now=NOW), body, secret)
    assert (hint.event, hint.ref, hint.delivery) == ("push", "refs/heads/main", "d-1")
    assert URL in hint.urls


@each_sender
def test_a_tag_is_understood(kind: Kind, secret: str) -> None:
    body = push_body(kind, URL, ref="refs/tags/v1")
    event = "Tag Push Hook" if kind == "gitlab" else ""
    hint = check(kind, signed_push(kind, secret, body, event=event, now=NOW), body, secret)
    assert (hint.event, hint.ref) == ("tag", "refs/tags/v1")


@each_gitlab
@pytest.mark.parametrize(
    ("name", "ref", "event"),
    [
        ("push", "refs/heads/main", "push"),
        ("tag_push", "refs/tags/v1", "tag"),
        ("repository_update", None, "push"),
        ("project_update", None, "other"),
        ("", "refs/heads/main", "other"),
    ],
)
def test_gitlabs_system_hooks_are_told_apart_by_their_bodies(
    secret: str, name: str, ref: str | None, event: str
) -> None:
    said = json.loads(push_body("gitlab", URL, event_name=name))
    del said["object_kind"], said["ref"]
    body = json.dumps(said | ({"ref": ref} if ref else {})).encode()
    headers = signed_push("gitlab", secret, body, event="System Hook", now=NOW)
    hint = check("gitlab", headers, body, secret)
    assert hint.event == event
    if event != "other":
        assert hint.ref == (ref or "")
        elsewhere = "https://forge.example/acme/other.git"
        assert refusal("gitlab", headers, body, secret, url=elsewhere) == "another repository"
    assert refusal("gitlab", replaced(headers, SIGNATURES["gitlab", secret], "v1,x"), body, secret) in (
        "forged",
        "malformed",
    )


@each_gitlab
def test_a_system_hook_of_something_else_need_not_be_a_push(secret: str) -> None:
    body = json.dumps({"event_name": "user_create", "project": "none", "ref": 1}).encode()
    headers = signed_push("gitlab", secret, body, event="System Hook", now=NOW)
    assert check("gitlab", headers, body, secret).event == "other"
    for body in (b"not JSON", b'{"event_name": 1}', b"[]"):
        headers = signed_push("gitlab", secret, body, event="System Hook", now=NOW)
        assert refusal("gitlab", headers, body, secret) == "malformed"


@each_sender
def test_other_events_are_not_even_read(kind: Kind, secret: str) -> None:
    body = b"not JSON"
    hint = check(kind, signed_push(kind, secret, body, event="issues", now=NOW), body, secret)
    assert hint.event == "other"


def test_a_ping_of_an_organisation_names_no_repository() -> None:
    body = json.dumps({"zen": "Keep it logically awesome.", "hook_id": 1}).encode()
    assert check("github", signed_push("github", SECRET, body, event="ping"), body).event == "ping"


@each_sender
def test_the_old_and_the_new_secret_are_valid_for_a_while(kind: Kind, secret: str) -> None:
    body = push_body(kind, URL)
    headers = signed_push(kind, secret, body, now=NOW)
    assert check(kind, headers, body, "another", secret).event == "push"
    assert check(kind, headers, body, secret, "another").event == "push"


@each_sender
def test_another_secret_is_refused(kind: Kind, secret: str) -> None:
    body = push_body(kind, URL)
    headers = signed_push(kind, secret, body, now=NOW)
    other = "whsec_" + base64.b64encode(b"x" * 32).decode() if secret == SIGNING_TOKEN else "of-another-repository"
    assert refusal(kind, headers, body, other) == "forged"


def signed_with_nothing(kind: Kind, headers: Headers, body: bytes) -> Headers:
    """What a forger sends who hopes for a secret that is empty."""
    mac = hmac.new(b"", body, hashlib.sha256)
    if kind == "gitlab":
        return replaced(headers, "X-Gitlab-Token", "")
    scheme = "sha256=" if kind == "github" else ""
    return replaced(headers, SIGNATURES[kind, SECRET], scheme + mac.hexdigest())


@each_sender
def test_no_secret_lets_nobody_in(kind: Kind, secret: str) -> None:
    body = push_body(kind, URL)
    for known, sent in (("", secret), ("", ""), (secret, "")):
        headers = signed_push(kind, sent or "x", body, now=NOW)
        if not sent:
            headers = signed_with_nothing(kind, headers, body)
        with pytest.raises(WebhookRefusedError):
            verify(kind, url=URL, secrets=[known], headers=headers, body=body, now=NOW)
    with pytest.raises(WebhookRefusedError):
        verify(kind, url=URL, secrets=[], headers=signed_push(kind, secret, body, now=NOW), body=body, now=NOW)


@each_sender
def test_a_missing_signature_is_refused(kind: Kind, secret: str) -> None:
    body = push_body(kind, URL)
    headers = [each for each in signed_push(kind, secret, body, now=NOW) if b"signature" not in each[0]]
    headers = replaced(headers, "X-Gitlab-Token", None)
    assert refusal(kind, headers, body, secret) == "unsigned"


@each_sender
def test_a_repeated_header_is_refused(kind: Kind, secret: str) -> None:
    body = push_body(kind, URL)
    headers = signed_push(kind, secret, body, now=NOW)
    name = SIGNATURES[kind, secret].lower().encode()
    value = dict(headers)[name]
    assert refusal(kind, [*headers, (name, value)], body, secret) == "repeated header"
    assert refusal(kind, [(name.title(), b"x"), *headers], body, secret) == "repeated header"


@pytest.mark.parametrize(("kind", "secret"), [each for each in SENDERS if each != ("gitlab", SECRET)])
def test_a_changed_body_is_refused_where_it_is_signed(kind: Kind, secret: str) -> None:
    body = push_body(kind, URL)
    headers = signed_push(kind, secret, body, now=NOW)
    assert refusal(kind, headers, body + b" ", secret) == "forged"
    assert refusal(kind, headers, body.replace(b"main", b"evil"), secret) == "forged"
    assert refusal(kind, headers, b"", secret) == "forged"


def test_sha1_alone_is_no_signature() -> None:
    body = push_body("github", URL)
    headers = replaced(signed_push("github", SECRET, body), "X-Hub-Signature-256", None)
    assert any(name == b"x-hub-signature" for name, _ in headers)
    assert refusal("github", headers, body) == "unsigned"
    old = dict(headers)[b"x-hub-signature"].decode()
    assert refusal("github", replaced(headers, "X-Hub-Signature-256", old), body) == "malformed"


@each_hex
def test_malformed_hexadecimal_digits_are_refused(kind: Kind) -> None:
    body = push_body(kind, URL)
    headers = signed_push(kind, SECRET, body)
    name = SIGNATURES[kind, SECRET]
    good = dict(headers)[name.lower().encode()].decode()
    scheme, digits = good[:-64], good[-64:]
    for bad in (
        digits[:-1],
        digits[:32],
        digits[:16] + " " + digits[17:],
        digits + "00",
        digits[:-2] + "zz",
        "0x" + digits[2:],
        digits.upper() if digits.upper() != digits else "A" * 64,
        digits + "\n",
        f"{good}, {good}",
    ):
        assert refusal(kind, replaced(headers, name, scheme + bad), body) == "malformed", bad


@each_hex
def test_digits_of_other_scripts_are_refused(kind: Kind) -> None:
    """What ``int`` and ``\\d`` take for digits, and hmac.compare_digest dies of."""
    body = push_body(kind, URL)
    headers = signed_push(kind, SECRET, body)
    name = SIGNATURES[kind, SECRET]
    good = dict(headers)[name.lower().encode()].decode()
    for digit in ("٣", "\uff13", "¹", "\udcff"):
        raw = (good[:-1] + digit).encode("utf-8", "surrogateescape")
        assert refusal(kind, replaced(headers, name, raw), body) == "malformed"


@pytest.mark.parametrize("token", ["canary-hook-secre", "canary-hook-secret2", "CANARY-HOOK-SECRET", "ÿ", "٣"])
def test_a_plain_token_must_be_the_same(token: str) -> None:
    body = push_body("gitlab", URL)
    headers = replaced(signed_push("gitlab", SECRET, body), "X-Gitlab-Token", token.encode())
    assert refusal("gitlab", headers, body) == "forged"


def test_gitlab_is_never_talked_down_to_a_plain_token() -> None:
    body = push_body("gitlab", URL)
    signed = signed_push("gitlab", SIGNING_TOKEN, body, now=NOW)
    wrong = "v1," + base64.b64encode(b"x" * 32).decode()
    both = [*replaced(signed, "webhook-signature", wrong), (b"x-gitlab-token", SECRET.encode())]
    assert refusal("gitlab", both, body, SECRET, SIGNING_TOKEN) == "forged"
    plain = [*replaced(signed, "webhook-signature", None), (b"x-gitlab-token", SIGNING_TOKEN.encode())]
    assert refusal("gitlab", plain, body, SIGNING_TOKEN) == "unsigned"


def test_forgejos_own_signature_is_not_rescued_by_giteas() -> None:
    body = push_body("forgejo", URL)
    headers = signed_push("forgejo", SECRET, body)
    assert refusal("forgejo", replaced(headers, "X-Forgejo-Signature", "0" * 64), body) == "forged"
    before_its_own = [each for each in headers if b"forgejo" not in each[0]]
    assert check("forgejo", before_its_own, body).event == "push"


@pytest.mark.parametrize("off", [-301, 301, -86400 * 365])
def test_a_call_signed_at_another_time_is_refused(off: float) -> None:
    body = push_body("gitlab", URL)
    headers = signed_push("gitlab", SIGNING_TOKEN, body, now=NOW + off)
    assert refusal("gitlab", headers, body, SIGNING_TOKEN) == "stale"


@pytest.mark.parametrize("off", [-299, 0, 299])
def test_clocks_may_differ_a_little(off: float) -> None:
    body = push_body("gitlab", URL)
    headers = signed_push("gitlab", SIGNING_TOKEN, body, now=NOW + off)
    assert check("gitlab", headers, body, SIGNING_TOKEN).event == "push"


def test_a_fresh_time_under_an_old_signature_is_refused() -> None:
    body = push_body("gitlab", URL)
    headers = signed_push("gitlab", SIGNING_TOKEN, body, now=NOW - 1000)
    assert (
        refusal("gitlab", replaced(headers, "webhook-timestamp", str(int(NOW))), body, SIGNING_TOKEN) == "forged"
    )
    headers = signed_push("gitlab", SIGNING_TOKEN, body, now=NOW)
    assert refusal("gitlab", replaced(headers, "webhook-id", "another"), body, SIGNING_TOKEN) == "forged"


@pytest.mark.parametrize(
    "moment", ["", "nan", "1e9", "-5", "+1800000000", "\uff11800000000", "1800000000.0", "9" * 400]
)
def test_a_malformed_time_is_refused(moment: str) -> None:
    body = push_body("gitlab", URL)
    headers = replaced(signed_push("gitlab", SIGNING_TOKEN, body, now=NOW), "webhook-timestamp", moment.encode())
    assert refusal("gitlab", headers, body, SIGNING_TOKEN) == "malformed"


@pytest.mark.parametrize(
    "signature", ["v1", "v1,", "v1,AAAA", "v1,ÿÿ", "v2," + "A" * 43 + "=", "v1," + "A" * 9999, ",", " "]
)
def test_a_malformed_standard_signature_is_refused(signature: str) -> None:
    body = push_body("gitlab", URL)
    headers = replaced(
        signed_push("gitlab", SIGNING_TOKEN, body, now=NOW), "webhook-signature", signature.encode()
    )
    assert refusal("gitlab", headers, body, SIGNING_TOKEN, SECRET) in ("malformed", "unsigned")


def test_one_of_two_standard_signatures_is_enough() -> None:
    body = push_body("gitlab", URL)
    headers = signed_push("gitlab", SIGNING_TOKEN, body, now=NOW)
    good = dict(headers)[b"webhook-signature"].decode()
    other = "v1," + base64.b64encode(b"x" * 32).decode()
    headers = replaced(headers, "webhook-signature", f"{other} v1a,xx {good}")
    assert check("gitlab", headers, body, SIGNING_TOKEN).event == "push"


@each_sender
@pytest.mark.parametrize("delivery", ["", "a b", "x" * 151, "a\n", "é", "'; drop table deliveries"])
def test_a_delivery_id_is_asked_for(kind: Kind, secret: str, delivery: str) -> None:
    body = push_body(kind, URL)
    headers = signed_push(kind, secret, body, now=NOW)
    for name in ("X-GitHub-Delivery", "Idempotency-Key", "X-Gitea-Delivery", "X-Forgejo-Delivery", "webhook-id"):
        headers = replaced(headers, name, delivery.encode())
    headers = replaced(headers, "X-Gitlab-Event-UUID", None)
    assert refusal(kind, headers, body, secret) == "malformed"


@each_sender
def test_another_repository_is_refused(kind: Kind, secret: str) -> None:
    for url in ("https://forge.example/acme/other.git", "https://forge.evil/acme/images.git", ""):
        body = push_body(kind, url).replace(b"git@forge.example:acme/images.git", b"")
        headers = signed_push(kind, secret, body, now=NOW)
        assert refusal(kind, headers, body, secret) == "another repository"


def test_the_watch_may_use_the_other_protocol() -> None:
    body = push_body("github", URL)
    headers = signed_push("github", SECRET, body)
    for url in ("git@forge.example:acme/images", "ssh://git@forge.example/acme/images.git", URL[:-4] + "/"):
        assert check("github", headers, body, url=url).event == "push"


@each_sender
def test_a_large_body_is_refused_unread(kind: Kind, secret: str) -> None:
    body = push_body(kind, URL, padding="x" * MAX_BODY)
    assert refusal(kind, signed_push(kind, secret, body, now=NOW), body, secret) == "too large"


@each_sender
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"ref": 1}',
        b'{"ref": "refs/heads/main", "repository": [], "project": []}',
        b'{"ref": null}',
        b'{"a":' * 300_000,
        b"[" * 1_000_000,
        b'{"x": ' + b"9" * 1_000_000 + b'e999999999, "ref": 1}',
        b'{"ref": "\xff"}',
        b"\x00" * 1000,
    ],
    ids=lambda body: repr(body[:16]),
)
def test_a_body_that_is_no_push_is_refused_at_once(kind: Kind, secret: str, body: bytes) -> None:
    if secret == SIGNING_TOKEN:
        headers = [
            (name.encode(), value.encode())
            for name, value in sign_standard(body, message_id="d", seconds=int(NOW), secret=secret).items()
        ]
        headers.append((b"x-gitlab-event", b"Push Hook"))
    else:
        headers = signed_push(kind, secret, body, now=NOW)
    began = time.monotonic()
    assert refusal(kind, headers, body, secret) in ("malformed", "another repository")
    assert time.monotonic() - began < 1


def test_a_form_is_refused_with_advice() -> None:
    body = b"payload=%7B%7D"
    headers = replaced(signed_push("github", SECRET, body), "Content-Type", "application/x-www-form-urlencoded")
    with pytest.raises(WebhookRefusedError) as caught:
        check("github", headers, body)
    assert "application/json" in (caught.value.hint or "")


NAMES = st.sampled_from(
    [name.lower().encode() for name in [*SIGNATURES.values(), "webhook-id", "webhook-timestamp"]]
)


@given(
    headers=st.lists(st.tuples(NAMES | st.binary(max_size=20), st.binary(max_size=80)), max_size=8),
    body=st.binary(max_size=200),
    kind=st.sampled_from(["github", "gitlab", "gitea", "forgejo"]),
)
def test_nothing_made_up_is_believed_or_breaks(headers: Headers, body: bytes, kind: Kind) -> None:
    with pytest.raises(WebhookRefusedError):
        verify(kind, url=URL, secrets=[SECRET, SIGNING_TOKEN], headers=headers, body=body, now=NOW)


def test_a_signing_token_is_read_as_others_read_it() -> None:
    assert standard_key(SIGNING_TOKEN) == b"0123456789abcdef0123456789abcdef"
    assert standard_key(SIGNING_TOKEN.rstrip("=")) == b"0123456789abcdef0123456789abcdef"
    assert standard_key("whsec_no base64!") == b""
    assert standard_key("plain") == b""
