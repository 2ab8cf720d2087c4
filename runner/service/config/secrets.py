# SPDX-License-Identifier: Apache-2.0
"""Fetch secrets when they are used, so that a changed one counts at once, and keep them out of every text."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import HostError
from runner.redact import Redactor
from runner.service.config.small_file import read_small_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from runner.service.config.model import SecretSource

_LARGEST = 1 << 20
_SHORTEST_LINE = 12
"""A shorter line of a secret with many lines may stand in any text."""

CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Where systemd puts credentials, see systemd.exec(5)."""


class SecretError(HostError):
    """A secret cannot be had; ``name`` tells which, nothing tells its value."""

    def __init__(self, name: str, why: str, hint: str) -> None:
        super().__init__(f"the secret {name!r} cannot be had", why=why, hint=hint)
        self.name = name


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets a configuration declares, and the environment they may come from."""

    sources: Mapping[str, SecretSource]
    env: Mapping[str, str] = field(repr=False)

    def value(self, name: str) -> str:
        """Return the value of the secret ``name``.

        Raises:
            SecretError: not declared, not there, not readable, empty, or no text.
        """
        source = self.sources.get(name)
        if source is None:
            raise SecretError(name, "the configuration does not declare it", "add it to secrets")
        value = self._environment(name, source.env) if source.env else self._file(name, source)
        if not value or "\0" in value:
            why = "it holds a NUL character" if value else "it is empty"
            raise SecretError(name, why, "write the value and nothing else where secrets says it is")
        return value

    def environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of a child process, each of which is given with the name of its secret.

        Raises:
            SecretError: one cannot be had.
        """
        return {variable: self.value(name) for variable, name in variables.items()}

    def unavailable(self) -> list[SecretError]:
        """Return an error for each secret that cannot be had here and now."""
        return [found for name in self.sources if isinstance(found := self._attempt(name), SecretError)]

    def redactor(self, *others: str) -> Redactor:
        """Return what hides every secret that can be had now, and ``others``, a long line of one included."""
        values = [found for name in self.sources if isinstance(found := self._attempt(name), str)]
        return Redactor.of(form for value in (*values, *others) for form in _forms(value))

    def _attempt(self, name: str) -> str | SecretError:
        try:
            return self.value(name)
        except SecretError as error:
            return error

    def _environment(self, name: str, variable: str) -> str:
        if variable not in self.env:
            raise SecretError(name, f"the variable {variable} is not set", "set it where the runner is started")
        return self.env[variable]

    def _file(self, name: str, source: SecretSource) -> str:
        if source.file:
            return _content(name, Path(source.file))
        folder = self.env.get(CREDENTIALS)
        if not folder:
            raise SecretError(
                name,
                f"{CREDENTIALS} is not set: systemd gave no credentials",
                f"add LoadCredential={source.credential}:… to the unit",
            )
        return _content(name, Path(folder) / source.credential)


def _content(name: str, path: Path) -> str:
    try:
        data = read_small_file(path, _LARGEST)
    except OSError as error:
        why = f"{path}: {error.strerror}"
        raise SecretError(name, why, "the user of the runner must be able to read it") from None
    if len(data) > _LARGEST:
        raise SecretError(name, f"{path} is larger than 1 MiB", "name a file that holds the value only")
    try:
        return data.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        hint = "encode the value, for instance in base64"
        raise SecretError(name, f"{path} is not UTF-8 text", hint) from None


def _forms(value: str) -> Iterator[str]:
    """Yield a secret whole, and line by line, as a log would show it."""
    yield value
    lines = value.splitlines()
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("-----"))
