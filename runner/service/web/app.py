# SPDX-License-Identifier: Apache-2.0
"""The application: all routes, one set of headers, one way to tell of errors."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from litestar import Litestar, Router
from litestar.datastructures import CacheControlHeader, State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme
from litestar.static_files import create_static_files_router

from runner import __version__
from runner.service.web import errors
from runner.service.web.api import jobs, others, repositories
from runner.service.web.headers import harden
from runner.service.web.health import healthz, readyz
from runner.service.web.hooks import hook
from runner.service.web.metrics import Exposition, metrics
from runner.service.web.pages.routes import ROUTES as PAGES

if TYPE_CHECKING:
    from runner.service.web.site import Site

_LARGEST_BODY = 64 << 10


def make_app(site: Site) -> Litestar:
    """Make the ASGI application of ``site``."""
    exposition = Exposition(site.runner)
    api = Router("/api/v1", route_handlers=[*repositories.ROUTES, *jobs.ROUTES, *others.ROUTES], tags=["runner"])
    static = create_static_files_router(
        "/static",
        [str(files("runner.service.web") / "static")],
        cache_control=CacheControlHeader(max_age=3600),
        include_in_schema=False,
    )
    return Litestar(
        [api, static, hook, healthz, readyz, metrics, *PAGES],
        dependencies={
            "site": Provide(lambda: site, sync_to_thread=False),
            "exposition": Provide(lambda: exposition, sync_to_thread=False),
        },
        state=State({"site": site}),
        exception_handlers=errors.handlers(),
        before_send=[harden],
        request_max_body_size=_LARGEST_BODY,
        openapi_config=_description(),
        logging_config=None,
        debug=False,
    )


def _description() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Packhouse",
        version=__version__,
        summary="Builds, signs and publishes images of operating systems.",
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        path="/api/schema",
        render_plugins=[JsonRenderPlugin(path="/")],
        components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
    )
