# SPDX-License-Identifier: Apache-2.0
"""The errors that calls of the API may answer with, for its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.openapi.datastructures import ResponseSpec

from runner.service.web.errors import ProblemAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping


def _answers(**texts: str) -> Mapping[int, ResponseSpec]:
    return {
        int(status.removeprefix("s")): ResponseSpec(ProblemAnswer, description=text, generate_examples=False)
        for status, text in texts.items()
    }


WRONG = _answers(s400="a parameter is wrong", s503="the database does not answer")
MISSING = {**WRONG, **_answers(s404="there is no such thing")}
CHANGING = {
    **MISSING,
    **_answers(
        s401="there is no token, or a wrong one",
        s403="the token's role is too low",
        s413="the body is too large",
        s409="it cannot be done; why tells",
        s429="too many wrong tokens",
    ),
}
