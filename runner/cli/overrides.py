# SPDX-License-Identifier: Apache-2.0
"""Options that make a build other than its description says; KIWI's names and meaning where KIWI has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from runner.plan.overrides import Overrides

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_PREFIX = "override_"

OPTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("--set-type-attr", "type_attributes", {"metavar": "A=V", "help": "Set an attribute of the image type."}),
    ("--set-version", "version", {"metavar": "V", "help": "Image version."}),
    ("--set-release-version", "release_version", {"metavar": "V", "help": "Release of the distribution."}),
    ("--add-package", "add_packages", {"metavar": "NAME", "help": "One more package in the image."}),
    ("--add-bootstrap-package", "add_bootstrap_packages", {"metavar": "NAME", "help": "One more to bootstrap."}),
    ("--delete-package", "delete_packages", {"metavar": "NAME", "help": "Uninstall a package at the end."}),
    ("--ignore-repos", "ignore_repositories", {"is_flag": True, "help": "Forget the description's repositories."}),
    (
        "--ignore-repos-used-for-build",
        "ignore_repositories_used_for_build",
        {"is_flag": True, "help": "Forget them but for those marked imageonly."},
    ),
    ("--set-repo", "set_repositories", {"metavar": "REPO", "help": "Change the first repository."}),
    (
        "--add-repo",
        "add_repositories",
        {"metavar": "REPO", "help": "One more repository: KIWI's SOURCE,TYPE,ALIAS,… or source=…,alias=…"},
    ),
    ("--signing-key", "signing_keys", {"metavar": "FILE", "help": "Key that may sign the repositories."}),
    (
        "--repo-map",
        "repository_map",
        {"metavar": "FROM=TO", "help": "Repositories whose address begins with FROM are at TO."},
    ),
    ("--set-container-tag", "container_tag", {"metavar": "TAG", "help": "Tag of the container."}),
    ("--add-container-label", "container_labels", {"metavar": "K=V", "help": "One more label of the container."}),
    (
        "--set-container-derived-from",
        "container_derived_from",
        {"metavar": "URI", "help": "Base of the container."},
    ),
)
"""Option, argument of :func:`runner.plan.overrides.read_overrides`, and what click is told."""

_SINGLE = frozenset({"version", "release_version", "container_tag", "container_derived_from"})


def override_options(command: Decorated) -> Decorated:
    """Add all options that change a description; :func:`taken_from` makes their value."""
    for option, name, told in reversed(OPTIONS):
        repeatable = name not in _SINGLE and "is_flag" not in told
        command = click.option(option, _PREFIX + name, multiple=repeatable, **told)(command)
    return command


def taken_from(options: dict[str, Any]) -> Overrides:
    """Take the values of :func:`override_options` out of ``options`` and return what they mean.

    Raises:
        UsageError: one of them cannot be.
    """
    from runner.plan.overrides import read_overrides

    names = [name for name in options if name.startswith(_PREFIX)]
    return read_overrides(**{name.removeprefix(_PREFIX): options.pop(name) for name in names})
