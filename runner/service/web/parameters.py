# SPDX-License-Identifier: Apache-2.0
"""What handlers take: the site, and parts of addresses that cannot be just anything."""

from __future__ import annotations

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import PathParameter, QueryParameter, SkipValidation

from runner.service.answers import TEXT
from runner.service.web.site import Site

_LARGEST = 2**31 - 1
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

TheSite = NamedDependency[SkipValidation[Site]]
Number = Annotated[int, PathParameter(ge=1, le=_LARGEST, description="the job's number")]
Name = Annotated[str, PathParameter(pattern=_NAME, max_length=100)]
Before = Annotated[int | None, QueryParameter(ge=1, le=_LARGEST, description="only jobs with a lower number")]
Limit = Annotated[int, QueryParameter(ge=1, le=500, description="jobs on one page")]
AttemptNumber = Annotated[int | None, QueryParameter(ge=1, le=_LARGEST, description="the newest one unless told")]
FirstLine = Annotated[int, QueryParameter(ge=0, le=_LARGEST, description="counted from 0")]
RepositoryFilter = Annotated[str, QueryParameter(max_length=100, pattern=TEXT, description="name of a repository")]
ImageFilter = Annotated[
    str, QueryParameter(max_length=2000, pattern=TEXT, description="an image, as jobs name it")
]
Search = Annotated[str, QueryParameter(max_length=100, pattern=TEXT, description="a part of names")]
Skip = Annotated[int, QueryParameter(ge=0, le=_LARGEST, description="rows on the pages before")]
RefFilter = Annotated[str, QueryParameter(max_length=500, pattern=TEXT, description="a branch or tag")]
