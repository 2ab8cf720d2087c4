# SPDX-License-Identifier: Apache-2.0
"""From a template and values to a page; all values are escaped."""

from __future__ import annotations

import functools
from typing import Any

import jinja2
from litestar import MediaType, Response

from runner import __version__
from runner.byte_size import rough_size, signed_size
from runner.release.changes_text import headline
from runner.service.forges.report import short_ref
from runner.service.web.pages import shown


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("runner.service.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=shown.clock,
        duration=shown.duration,
        headline=headline,
        iso=shown.iso,
        ref=short_ref,
        short=shown.short,
        signed_size=signed_size,
        size=rough_size,
    )
    environment.tests["web_address"] = shown.is_web_address
    environment.globals.update(version=__version__, url=shown.url)
    return environment


def text(template: str, **values: Any) -> str:
    """Fill ``template`` in."""
    return _environment().get_template(template).render(**values)


def page(template: str, *, title: str, status: int = 200, **values: Any) -> Response[Any]:
    """Return a page of HTML."""
    return Response(text(template, title=title, **values), status_code=status, media_type=MediaType.HTML)
