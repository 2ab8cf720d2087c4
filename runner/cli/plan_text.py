# SPDX-License-Identifier: Apache-2.0
"""A plan as people read it: the facts, then a table for each list it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.cli.disk_text import disk_facts, partition_rows, subvolume_rows
from runner.cli.tables import paragraph, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.plan.model import Plan, RepositoryPlan, UserPlan


def plan_text(made: Plan) -> str:
    """Return the whole text; what cannot be built stands last, where it is seen."""
    lines = [line for label, text in _facts(made) for line in paragraph(label, text)]
    for title, rows in _tables(made):
        if rows:
            lines += ["", f"{title}:", *table(rows, indent="  ")]
    return "\n".join(lines)


def _facts(made: Plan) -> Iterator[tuple[str, str]]:
    request, settings = made.packages, made.settings
    filesystem = made.type.filesystem
    yield "image", f"{made.image.name} {made.image.version}"
    yield "type", made.type.image + (f" ({filesystem})" if filesystem not in {"", made.type.image} else "")
    yield from disk_facts(made.type)
    yield "architecture", made.arch
    yield "profiles", ", ".join(made.profiles) or "none"
    yield "results", f"{made.stem}.*"
    yield "manager", f"{request.manager}, {'with' if request.recommends else 'without'} recommended packages"
    lists = {
        "bootstrap": request.bootstrap,
        "packages": request.image,
        "collections": request.collections,
        "products": request.products,
        "ignored": request.ignore,
        "uninstalled": made.uninstall,
        "deleted": made.delete,
    }
    yield from ((label, f"{len(names)}: {', '.join(names)}") for label, names in lists.items() if names)
    said = {"locale": settings.locale, "keytable": settings.keytable, "timezone": settings.timezone}
    yield from ((label, value) for label, value in said.items() if value)
    yield "digest", made.digest


def _tables(made: Plan) -> Iterator[tuple[str, Sequence[Sequence[str]]]]:
    yield "partitions", partition_rows(made.type.disk)
    yield "subvolumes", subvolume_rows(made.type.disk)
    yield "repositories", [_repository(entry) for entry in made.packages.repositories]
    yield "users", [_user(user) for user in made.users]
    yield "archives", [(entry.name, f"→ {entry.target_dir}", f"({entry.phase})") for entry in made.archives]
    yield "files", [(entry.name, f"→ {entry.target}", entry.owner, entry.permissions) for entry in made.files]
    yield "cannot be built yet", [(item.element, item.where, item.why) for item in made.unsupported]


def _repository(entry: RepositoryPlan) -> tuple[str, ...]:
    notes = {
        f"priority {entry.priority}": entry.priority is not None,
        "signatures not checked": not entry.verify,
        "needs a login": entry.credentials,
        "only in the image": entry.image and not entry.build,
        "also in the image": entry.image and entry.build,
    }
    place = " ".join((entry.distribution, *entry.components)) if entry.distribution else ""
    return entry.alias, entry.kind, entry.uri, place, ", ".join(note for note, said in notes.items() if said)


def _user(user: UserPlan) -> tuple[str, ...]:
    groups = ", ".join(group.name if group.gid is None else f"{group.name}:{group.gid}" for group in user.groups)
    return user.name, "" if user.uid is None else f"uid {user.uid}", groups, user.home, user.shell
