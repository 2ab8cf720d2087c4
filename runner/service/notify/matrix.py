# SPDX-License-Identifier: Apache-2.0
"""A message to a Matrix room; sent again under the same transaction it still appears once.

https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.service.outbox.http import Request, json_request

if TYPE_CHECKING:
    from runner.service.notify.notice import Notice


def matrix_request(notice: Notice, *, url: str, room: str, token: str) -> Request:
    """Return the message to ``room``, its id that begins with ``!``, on the home server at ``url``."""
    lines = [notice.headline, *notice.lines, *filter(None, [notice.url])]
    headline, *rest = map(escape, lines)
    value = {
        "msgtype": "m.notice",
        "body": "\n".join(lines),
        "format": "org.matrix.custom.html",
        "formatted_body": "<br>".join([f"<strong>{headline}</strong>", *rest]),
        "m.mentions": {},
    }
    path = f"/_matrix/client/v3/rooms/{quote(room, safe='')}/send/m.room.message/{quote(notice.id, safe='')}"
    headers = {"Authorization": f"Bearer {token}"}
    return json_request("PUT", url.rstrip("/") + path, value, headers=headers, secrets=(token,))
