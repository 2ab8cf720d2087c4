# SPDX-License-Identifier: Apache-2.0
"""``image info``: facts about a description, as JSON on standard output. ``image resize``: a larger disk."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from runner.cli.kiwi.choice import choice

if TYPE_CHECKING:
    from runner.cli.kiwi.asked import Asked
    from runner.cli.options import Session
    from runner.pipeline.request import Machine, Selection
    from runner.pipeline.source import Source
    from runner.plan.model import Plan


def info_image(  # all options of the command
    session: Session,
    asked: Asked,
    *,
    source: str,
    resolve_package_list: bool,
    list_profiles: bool,
    print_kiwi_env: bool,
    print_xml: bool,
    print_yaml: bool,
    print_toml: bool,
    **options: Any,
) -> None:
    """Print facts, or the description itself."""
    from runner.pipeline.source import open_source

    chosen, machine = choice(asked, source, **options), session.machine(source=source)
    with open_source(chosen, machine) as opened:
        if print_xml or print_yaml or print_toml:
            syntax = "yaml" if print_yaml else "toml" if print_toml else "xml"
            click.echo(_in(syntax, opened), nl=False)
            return
        plan = opened.plan(chosen)
        facts = _facts(plan)
        if list_profiles:
            facts["profile_names"] = [profile.name for profile in opened.description.profiles]
        if print_kiwi_env:
            facts["kiwi_env"] = plan.environment
        if resolve_package_list:
            facts["resolved-packages"] = _packages(plan, opened, machine, chosen)
    session.reporter.close()
    click.echo(json.dumps(facts, indent=2, sort_keys=True))


def resize_image(session: Session, asked: Asked, *, target_dir: str, size: str, root: str | None) -> None:  # noqa: ARG001
    """Make the disk in a folder of results larger."""
    from pathlib import Path

    from runner.byte_size import byte_size
    from runner.cli.output import print_result
    from runner.errors import UsageError
    from runner.pipeline.resize import resize

    try:
        asked_size = byte_size(size)
    except ValueError as error:
        raise UsageError(str(error), where="--size") from error
    done = resize(Path(target_dir).absolute(), asked_size, Path(root).absolute() if root else None)
    if done.removed:
        session.reporter.warning(f"no longer true, and removed: {', '.join(done.removed)}")
    body = {"size": done.size, "files": [str(path) for path in done.files], "removed": list(done.removed)}
    print_result(session.style, body, "\n".join(f"{done.size}  {path}" for path in done.files))


def _in(syntax: str, opened: Source) -> str:
    """Return the upgraded description in a syntax of KIWI's, what it includes in its place."""
    text = opened.description.text
    if syntax == "xml":
        return text
    from runner.description.formats import parse, printing
    from runner.description.formats.values_of import values_of

    values = values_of(parse(text.encode(), opened.description.kiwi_file))
    return printing.to_yaml(values) if syntax == "yaml" else printing.to_toml(values)


def _facts(plan: Plan) -> dict[str, Any]:
    return {
        "image": plan.image.name,
        "version": plan.image.version,
        "arch": plan.arch,
        "type": plan.type.image,
        "profiles": list(plan.profiles),
        "package_manager": plan.packages.manager,
        "bootstrap_packages": list(plan.packages.bootstrap),
        "packages": list(plan.packages.image),
        "repositories": [repository.uri for repository in plan.packages.repositories],
        "results": f"{plan.stem}.*",
        "plan": plan.digest,
        "unsupported": [f"{item.element} ({item.where}): {item.why}" for item in plan.unsupported],
    }


def _packages(plan: Plan, opened: Source, machine: Machine, chosen: Selection) -> dict[str, Any]:
    from runner.pipeline.locking import committed_or_new

    lock, _ = committed_or_new(plan, opened, machine, chosen)
    places = {repository.id: repository.uri for repository in lock.repositories}
    return {
        package.name: {
            "version": package.version,
            "arch": package.arch,
            "source": places[package.repository],
            "status": "added_by_dependency_solver"
            if package.reason == "dependency"
            else "listed_in_kiwi_description",
            "size": package.size,
            "sha256": package.sha256,
        }
        for package in lock.packages
    }
