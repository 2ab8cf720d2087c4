# SPDX-License-Identifier: Apache-2.0
"""Read ``packhouse.yaml``: from a file's bytes to a configuration that holds together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from runner.errors import UsageError
from runner.service.config.checks import check
from runner.service.config.document import Bounds, read_document
from runner.service.config.model import ServiceConfig
from runner.service.config.problem import ConfigError, Problem, meant
from runner.service.config.shape import Shape
from runner.service.config.small_file import read_small_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.config.document import Value

Read = TypeVar("Read", bound=msgspec.Struct)

PLACES = (Path("packhouse.yaml"), Path("/etc/packhouse/packhouse.yaml"))
"""Where the file is looked for."""

BOUNDS = Bounds(size=16 << 20, values=1_000_000)
"""Of ``packhouse.yaml``: room for a hundred thousand repositories."""


def find_config() -> Path:
    """Return the first of :data:`PLACES` that is there.

    Raises:
        UsageError: none is.
    """
    for place in PLACES:
        if _is_file(place):
            return place
    raise UsageError(
        "there is no configuration of the runner",
        why=f"neither {PLACES[0]} nor {PLACES[1]} is a file",
        hint="write one, see docs/configuration.md, or give its path",
    )


def load_config(path: Path, *, files: bool = True) -> ServiceConfig:
    """Read the configuration in ``path``; relative paths in it count from its folder.

    Args:
        path: the file.
        files: whether files that it names must be there.

    Raises:
        ConfigError: with everything that is wrong.
        UsageError: the file cannot be read.
    """
    try:
        data = read_small_file(path, BOUNDS.size)
    except OSError as error:
        raise UsageError("the configuration cannot be read", where=str(path), why=error.strerror) from error
    return parse_config(data, str(path), path.absolute().parent, files=files)


def parse_config(data: bytes, name: str, folder: Path, *, files: bool = False) -> ServiceConfig:
    """Read a configuration that lies, or would lie, in ``folder``; errors call it ``name``.

    Raises:
        ConfigError: with everything that is wrong.
    """
    document = read_document(data, name, BOUNDS)
    shape = Shape(folder)
    config = fitted(document, ServiceConfig, shape, name, extra=lambda: _unknown(shape, document))
    found = [*check(config), *(_missing(shape) if files else ())]
    if found:
        raise ConfigError(name, [problem._replace(line=_line(shape, problem)) for problem in found])
    return config


def fitted(document: Value, struct: type[Read], shape: Shape, name: str, *, extra: Any = tuple) -> Read:
    """Return ``document`` as a ``struct``; ``extra()`` tells further problems.

    Raises:
        ConfigError: it does not fit.
    """
    values = shape.fit(document, struct)
    problems = [*shape.problems, *extra()]
    if problems:
        raise ConfigError(name, problems)
    return msgspec.convert(values, struct)


def dump_config(config: ServiceConfig) -> str:
    """Write a configuration out, every default filled in, as YAML that :func:`parse_config` reads."""
    import yaml

    return yaml.safe_dump(msgspec.to_builtins(config), sort_keys=False, allow_unicode=True)


def _unknown(shape: Shape, document: Value) -> Iterator[Problem]:
    """Find names that no entry has. A name is not repeated: it may be the secret itself."""
    tables = document.data if isinstance(document.data, dict) else {}
    for table, name, path in shape.references:
        entries = tables[table].data if table in tables else None
        names = entries if isinstance(entries, dict) else {}
        if name not in names:
            message = f"names no entry of {table}" if names else f"names an entry of {table}, and there is none"
            yield Problem(path, message, meant(name, names) if names else "", shape.lines[path])


def _missing(shape: Shape) -> Iterator[Problem]:
    for path, place in shape.files.items():
        if not _is_file(place):
            yield Problem(path, f"there is no file {place}")


def _is_file(place: Path) -> bool:
    try:
        return place.is_file()
    except OSError:  # in a folder we may not enter
        return False


def _line(shape: Shape, problem: Problem) -> int | None:
    """Return the line of a key, or of the nearest around it that is there."""
    path = problem.path
    while path and path not in shape.lines:
        path = path[:-1]
    return shape.lines.get(path)
