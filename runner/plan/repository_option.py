# SPDX-License-Identifier: Apache-2.0
"""A repository on the command line: the value of ``--add-repo`` and ``--set-repo``.

Two spellings are read. KIWI's has up to eleven fields by position, empty ones left out of consideration::

    source,type,alias,priority,imageinclude,package_gpgcheck,{key;key},components,distribution,repo_gpgcheck,sourcetype

and the readable one says the names: ``source=https://host/debian,distribution=bookworm,components=main contrib``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from runner.description.model.element import flag, words
from runner.description.model.repositories import Repository, Signing
from runner.errors import Location, UsageError
from runner.plan.override_text import checked, said_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

POSITIONS = (
    "source",
    "type",
    "alias",
    "priority",
    "imageinclude",
    "package_gpgcheck",
    "keys",
    "components",
    "distribution",
    "repo_gpgcheck",
    "sourcetype",
)
"""KIWI's fields in their order; their names are those of the readable form."""

NAMES = (*POSITIONS, "architectures", "imageonly")

_NAMED = re.compile(r"(?P<name>[A-Za-z_-]+)=(?P<value>.*)", re.DOTALL)
_ATTRIBUTES = {"repo_gpgcheck": "repository_gpgcheck"}
"""Fields that the schema calls otherwise."""

_READERS: dict[str, Callable[[str], Any]] = {
    "architectures": words,
    "components": lambda text: words(text, None),
    "imageinclude": flag,
    "imageonly": flag,
    "package_gpgcheck": flag,
    "priority": int,
    "repo_gpgcheck": flag,
}


class RepositoryOption(msgspec.Struct, frozen=True, kw_only=True):
    """What one option says of a repository. None: it does not say.

    Attributes:
        option: the option's name, for messages.
        keys: URIs of signing keys.
    """

    option: str
    source: str | None = None
    type: str | None = None
    alias: str | None = None
    priority: int | None = None
    imageinclude: bool | None = None
    imageonly: bool | None = None
    package_gpgcheck: bool | None = None
    keys: tuple[str, ...] | None = None
    components: tuple[str, ...] | None = None
    architectures: tuple[str, ...] | None = None
    distribution: str | None = None
    repo_gpgcheck: bool | None = None
    sourcetype: str | None = None

    def __repr__(self) -> str:
        return f"RepositoryOption({self.option} {self.alias or self.type or ''})"  # an address may hold a login

    __str__ = __repr__

    def added(self) -> Repository:
        """Return a new repository that is as the option says."""
        return self.changed(Repository(at=said_by(self.option), path=""))

    def changed(self, repository: Repository) -> Repository:
        """Return ``repository`` with what the option says, everything else as it was."""
        at = said_by(self.option)
        said: dict[str, Any] = {
            "path": self.source,
            "kind": self.type,
            "alias": self.alias,
            "priority": self.priority,
            "imageinclude": self.imageinclude,
            "imageonly": self.imageonly,
            "package_gpgcheck": self.package_gpgcheck,
            "repository_gpgcheck": self.repo_gpgcheck,
            "components": self.components,
            "architectures": self.architectures,
            "distribution": self.distribution,
            "sourcetype": self.sourcetype,
            "signing": signings(self.keys, at) if self.keys is not None else None,
        }
        return msgspec.structs.replace(
            repository, **{name: value for name, value in said.items() if value is not None}
        )


def signings(keys: tuple[str, ...], at: Location) -> tuple[Signing, ...]:
    return tuple(Signing(at=at, key=key) for key in keys)


def read_repository_option(option: str, text: str) -> RepositoryOption:
    """Read the value ``text`` of ``option`` in either spelling.

    Raises:
        UsageError: no source where one is needed, an unknown name, or a value the schema does not allow.
    """
    first = _NAMED.fullmatch(text.partition(",")[0].strip())
    named = first is not None and "://" not in first["name"]
    fields = dict(_named(option, text) if named else _positional(option, text))
    if not fields.get("source") and option == "--add-repo":
        raise UsageError(
            "--add-repo names no source",
            hint="begin with its address: --add-repo https://host/debian,apt-deb, or source=https://host/debian",
        )
    return RepositoryOption(
        option=option, **{name: _value(option, name, value) for name, value in fields.items() if value}
    )


def _positional(option: str, text: str) -> Iterator[tuple[str, str]]:
    values = [value.strip() for value in text.split(",")]
    if len(values) > len(POSITIONS):
        raise UsageError(
            f"{option} has {len(values)} fields and may have {len(POSITIONS)}",
            hint="keys stand in braces with semicolons, {key;key}; or write it with names: source=…,keys=…",
        )
    yield from zip(POSITIONS, values, strict=False)


def _named(option: str, text: str) -> Iterator[tuple[str, str]]:
    """Split at commas before a name; any other comma belongs to the value it stands in."""
    name, parts = "", list[str]()
    for piece in text.split(","):
        found = _NAMED.fullmatch(piece.strip())
        if found is None:
            parts.append(piece)
            continue
        if name:
            yield name, ",".join(parts).strip()
        name, parts = found["name"], [found["value"]]
        if name not in NAMES:
            import difflib

            close = difflib.get_close_matches(name, NAMES, n=1)
            raise UsageError(
                f"{option} has no field {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""),
                hint="fields: " + ", ".join(NAMES),
            )
    yield name, ",".join(parts).strip()


def _value(option: str, name: str, text: str) -> Any:
    if name == "source":
        return text
    if name == "keys":
        return tuple(key.strip() for key in text.strip("{}").split(";") if key.strip())
    plain = text.lower() if text.lower() in {"true", "false"} else text
    return _READERS.get(name, str)(checked(option, "repository", _ATTRIBUTES.get(name, name), plain))
