# SPDX-License-Identifier: Apache-2.0
"""Leaves repositories configured in the image: ``imageinclude`` and ``imageonly``, for apt.

A repository becomes ``sources.list.d/ALIAS.sources``, its keys ``/etc/apt/keyrings/ALIAS.gpg``, its priority a pin
in ``preferences.d/ALIAS.pref``. Nothing in them depends on the building machine: its mirrors, logins and keyrings
stay out, and a symbolic mirror becomes the public one of that name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import DescriptionError
from runner.packages.keyrings import machine_path, read_key
from runner.packages.mirrors import Mirrors
from runner.redact import strip_credentials

if TYPE_CHECKING:
    from runner.plan.model import RepositoryPlan
    from runner.prepare.origin import Origin
    from runner.prepare.step import Bench

VERSION = 1

_SOURCES, _KEYS, _PINS = "/etc/apt/sources.list.d", "/etc/apt/keyrings", "/etc/apt/preferences.d"
_DISTRIBUTION_KEYRINGS = ("debian-archive-keyring.gpg", "ubuntu-archive-keyring.gpg")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The repositories of the plan; those that are not for the image are left out here. Keys are in ``origin``."""

    origin: Origin
    repositories: tuple[RepositoryPlan, ...]


def run(inputs: Inputs, bench: Bench) -> None:
    """Write the configuration of each repository for the image, in the order of the plan.

    Raises:
        DescriptionError: an address that others cannot reach, or a key that is not in the image.
        ResolveError: a key that cannot be read, or a word that cannot stand in the file.
    """
    for plan in inputs.repositories:
        if plan.image:
            _write(plan, inputs.origin, bench)


def public_url(uri: str) -> str:
    """Return the address that the image gets for ``uri``.

    Raises:
        DescriptionError: it is not public.
    """
    url = Mirrors.public(uri)
    if url is None:
        raise DescriptionError(
            f"the repository {strip_credentials(uri)} cannot be left in the image",
            where="<repository>",
            why="others could not reach it",
            hint="use a public http or https address, or leave imageinclude and imageonly out",
        )
    return url


def _write(plan: RepositoryPlan, origin: Origin, bench: Bench) -> None:
    url = public_url(plan.uri)
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", plan.alias)  # apt leaves files with other names out
    # Here, because few images keep a repository, and apt's side of the house takes 30 ms to load.
    from runner.packages.apt import pins
    from runner.packages.apt.sources import stanza

    text = stanza(plan, url, signed_by=_signed_by(plan, name, origin, bench) if plan.verify else "")
    bench.paths.write(f"{_SOURCES}/{name}.sources", text.encode())
    if plan.priority is not None:
        text = pins.pin(pins.host_selector(url), plan.priority)
        bench.paths.write(f"{_PINS}/{name}.pref", text.encode())


def _signed_by(plan: RepositoryPlan, name: str, origin: Origin, bench: Bench) -> str:
    """The path of the keys in the image: the description's own, else those of a distribution the image has."""
    if not plan.keys:
        known = (f"/usr/share/keyrings/{keyring}" for keyring in _DISTRIBUTION_KEYRINGS)
        return next((path for path in known if bench.paths.exists(path)), "")
    own = [key.uri for key in plan.keys if machine_path(key.uri) is None]
    if len(own) == len(plan.keys):
        path = f"{_KEYS}/{name}.gpg"
        bench.paths.write(path, b"".join(read_key(uri, origin) for uri in own))
        return path
    there = str(machine_path(plan.keys[0].uri))
    if len(plan.keys) > 1 or not bench.paths.exists(there):
        raise DescriptionError(
            f"the signing key of repository {plan.alias} is not in the image",
            where="<signing>",
            why=f"{there} is a file of the building machine",
            hint="put the key beside the description and name it as this://FILE",
        )
    return there
