# SPDX-License-Identifier: Apache-2.0
"""Whether the process lives, and whether it can work."""

from __future__ import annotations

import sqlalchemy as sa
from litestar import MediaType, get

from runner.service.web.parameters import TheSite


@get("/healthz", media_type=MediaType.TEXT, sync_to_thread=False, include_in_schema=False)
def healthz() -> str:
    """Say that the process answers."""
    return "ok\n"


@get("/readyz", media_type=MediaType.TEXT, sync_to_thread=True, include_in_schema=False)
def readyz(site: TheSite) -> str:
    """Say that the database answers too; 503 when it does not."""
    with site.runner.engine.connect() as connection:
        connection.execute(sa.text("SELECT 1"))
    return "ready\n"
