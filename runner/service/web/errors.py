# SPDX-License-Identifier: Apache-2.0
"""Errors as answers: JSON with the fields of our errors for programs, a page for people. Never a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from litestar import Response
from litestar.exceptions import HTTPException
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from runner.errors import NotInStorageError, PackhouseError, UsageError
from runner.service.web.pages.render import page

if TYPE_CHECKING:
    from litestar import Request
    from litestar.datastructures import State
    from litestar.types import ExceptionHandlersMap

_FOR_PROGRAMS = ("/api/", "/hooks/", "/badges/", "/feeds/", "/metrics", "/healthz", "/readyz")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call was not answered: the fields of the command's errors."""

    kind: str
    what: str
    why: str = ""
    hint: str = ""


class ProblemAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every answer that is an error."""

    error: Problem


class MissingError(UsageError):
    """There is no such thing; answered with 404."""

    kind = "not-found"


def handlers() -> ExceptionHandlersMap:
    """Return what turns each kind of error into an answer."""
    return {
        HTTPException: _http,
        PackhouseError: _ours,
        OperationalError: _database,
        PoolTimeoutError: _database,
        Exception: _bug,
    }


def _http(request: Request[Any, Any, State], error: HTTPException) -> Response[object]:
    kinds = {401: "not-authorised", 403: "not-allowed", 404: "not-found", 429: "too-often"}
    kind = kinds.get(error.status_code, "usage" if error.status_code < 500 else "error")  # noqa: PLR2004
    problem = Problem(kind=kind, what=error.detail, why=_details(error))
    return _answer(request, error.status_code, problem, error.headers)


def _details(error: HTTPException) -> str:
    extra = error.extra if isinstance(error.extra, list) else []
    return "; ".join(
        f"{item.get('key', '')}: {item.get('message', '')}" for item in extra if isinstance(item, dict)
    )


def _ours(request: Request[Any, Any, State], error: PackhouseError) -> Response[object]:
    # What is missing is told in words of ours: anybody may ask for it, and secrets may be very many to fetch.
    secrets = request.app.state.site.runner.settings.secrets
    redact = str if isinstance(error, MissingError) else secrets.redactor()
    status = 404 if isinstance(error, MissingError | NotInStorageError) else 409
    problem = Problem(
        kind=error.kind, what=redact(error.what), why=redact(error.why or ""), hint=redact(error.hint or "")
    )
    return _answer(request, status, problem)


def _database(request: Request[Any, Any, State], error: Exception) -> Response[object]:
    structlog.get_logger().warning("the database does not answer", path=request.url.path, error=str(error))
    problem = Problem(kind="environment", what="the database does not answer", hint="try again in a moment")
    return _answer(request, 503, problem, {"Retry-After": "5"})


def _bug(request: Request[Any, Any, State], error: Exception) -> Response[object]:
    structlog.get_logger().error("a page failed", path=request.url.path, exc_info=error)
    return _answer(request, 500, Problem(kind="error", what="internal error", hint="the runner's log tells more"))


def _answer(
    request: Request[Any, Any, State], status: int, problem: Problem, headers: dict[str, str] | None = None
) -> Response[object]:
    if request.url.path.startswith(_FOR_PROGRAMS):
        return Response(ProblemAnswer(error=problem), status_code=status, headers=headers)
    response = page("error.html", title=problem.what, status=status, problem=problem)
    response.status_code = status
    response.headers.update(headers or {})
    return response
