# SPDX-License-Identifier: Apache-2.0
"""Serve the pages and the API from a thread, and end without cutting an answer in two."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import structlog
import uvicorn

from runner.errors import HostError, UsageError
from runner.service.web.app import make_app
from runner.service.web.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.serve import Runner

_GRACE_SECONDS = 5
_BACKLOG = 256
_MOST_CONNECTIONS = 1000


@contextlib.contextmanager
def serving(runner: Runner) -> Iterator[str]:
    """Serve as long as the block lasts; yields the URL that this machine reaches it at.

    Raises:
        UsageError: ``listen`` is no address and port.
        HostError: somebody else has the port.
    """
    site = Site(runner=runner)
    listener = _listen(runner.settings.config.listen)
    config = uvicorn.Config(
        make_app(site),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,  # runner.service.web.caller trusts fewer of them
        lifespan="off",
        timeout_keep_alive=30,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        h11_max_incomplete_event_size=64 << 10,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
    thread.start()
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    structlog.get_logger().info("the web pages are there", url=url)
    try:
        yield url
    finally:
        site.closing.set()
        server.should_exit = True
        thread.join(_GRACE_SECONDS * 2)
        listener.close()


def _listen(address: str) -> socket.socket:
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004
        raise UsageError(f"listen: {address!r} is no address and port", hint="write 127.0.0.1:8080 or [::]:8080")
    host = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise HostError(
            "the web pages cannot be served",
            where=address,
            why=error.strerror,
            hint="set listen in packhouse.yaml",
        ) from error
