# SPDX-License-Identifier: Apache-2.0
"""The kinds of values that ``packhouse.yaml`` has: how each is read, checked and told of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from msgspec import Meta

from runner.byte_size import size_text
from runner.service.config import forms
from runner.service.config.durations import PATTERN, duration_text, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

Table = Literal["secrets", "destinations", "notifications"]
"""Keys at the top whose entries are named elsewhere."""


class Reading(NamedTuple):
    """What the loader does with a text, beyond the type.

    Attributes:
        parse: makes the value of a text; raises ValueError.
        write: makes a text of the value, for people.
        names: the text is the name of an entry there.
        file: the text is the path of a file; a relative one counts from the configuration's folder.
        exists: such a file must be there.
    """

    parse: Callable[[str], str | float] | None = None
    write: Callable[..., str] = str
    names: Table | None = None
    file: bool = False
    exists: bool = False


def _meta(title: str, reading: Reading) -> Meta:
    return Meta(title=title, extra={"reading": reading})


def _measure(title: str, reading: Reading, pattern: str) -> Meta:
    """A number that may be written with a unit; :mod:`runner.schema` knows ``x-text``."""
    return Meta(title=title, extra={"reading": reading}, extra_json_schema={"x-text": f"^{pattern}$"})


_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}(?![\s\S])"
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,99}(?![\s\S])"
_CREDENTIAL = r"^(?!\.)[A-Za-z0-9._:@-]{1,250}(?![\s\S])"
_PROJECT = r"^([0-9]+|[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+)(?![\s\S])"
_TEN_YEARS = 10 * 366 * 86400
_DURATION = Reading(parse=seconds, write=duration_text)

Name = Annotated[str, Meta(title="name", pattern=_NAME, description="letters, digits and . _ - inside")]
Variable = Annotated[str, Meta(title="variable", pattern=_VARIABLE, description="letters, digits and _")]
Credential = Annotated[str, Meta(title="credential", pattern=_CREDENTIAL, description="the name of a file")]
Project = Annotated[str, Meta(title="OWNER/NAME", pattern=_PROJECT, description="OWNER/NAME or a number")]

SecretName = Annotated[Name, _meta("name of a secret", Reading(names="secrets"))]
DestinationName = Annotated[Name, _meta("name of a destination", Reading(names="destinations"))]
NotificationName = Annotated[Name, _meta("name of a notification", Reading(names="notifications"))]

Duration = Annotated[float, Meta(ge=0, le=_TEN_YEARS), _measure("duration", _DURATION, PATTERN)]
"""Seconds."""

Interval = Annotated[float, Meta(gt=0, le=_TEN_YEARS), _measure("duration", _DURATION, PATTERN)]
"""Seconds, more than none."""

Size = Annotated[
    int,
    Meta(ge=0, le=1 << 59),
    _measure("size", Reading(parse=forms.size, write=size_text), "[0-9]{1,18}[kKmMgGtT]?"),
]
"""Bytes."""

Folder = Annotated[str, _meta("path", Reading(file=True))]
File = Annotated[str, _meta("path", Reading(file=True, exists=True))]

Cron = Annotated[str, _meta("cron", Reading(parse=forms.cron))]
TimeZone = Annotated[str, _meta("time zone", Reading(parse=forms.timezone))]
RefPattern = Annotated[str, _meta("pattern", Reading(parse=forms.ref_pattern))]
RefName = Annotated[str, _meta("branch or tag", Reading(parse=forms.ref_name))]
Author = Annotated[str, _meta("NAME <ADDRESS>", Reading(parse=forms.author))]
FolderPattern = Annotated[str, _meta("pattern", Reading(parse=forms.folder_pattern))]
RepositoryUrl = Annotated[str, _meta("URL", Reading(parse=forms.repository_url))]
StorageUrl = Annotated[str, _meta("URL", Reading(parse=forms.storage_url))]
HttpUrl = Annotated[str, _meta("URL", Reading(parse=forms.http_url))]
TargetUrl = Annotated[str, _meta("URL", Reading(parse=forms.target_url))]
DatabaseUrl = Annotated[str, _meta("URL", Reading(parse=forms.database_url))]
ListenAddress = Annotated[str, _meta("HOST:PORT", Reading(parse=forms.listen_address))]
Network = Annotated[str, _meta("address", Reading(parse=forms.network))]
