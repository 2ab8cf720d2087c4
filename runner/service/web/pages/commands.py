# SPDX-License-Identifier: Apache-2.0
"""The commands with which anybody fetches a release and verifies it, ready to be pasted into a shell."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from runner.redact import strip_credentials

if TYPE_CHECKING:
    from runner.service.config.model import Destination
    from runner.service.jobs.model import JobResult

_NEEDED = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION")
KEY = "release.pub"


def fetch_command(destination: Destination, result: JobResult) -> str:
    """Return the command that fetches and verifies this very version."""
    return _fetch(destination, f"{result.name}@{result.version}", result.name)


def follow_command(destination: Destination, name: str, channel: str) -> str:
    """Return the command that fetches whatever a channel holds."""
    return _fetch(destination, f"{name}:{channel}", name)


def verify_command(result: JobResult) -> str:
    """Return the command that verifies what was fetched before."""
    return shlex.join(["packhouse", "verify", result.name, "--key", KEY])


def _fetch(destination: Destination, reference: str, folder: str) -> str:
    variables = [
        f"{name}={shlex.quote(destination.settings[name])}" for name in _NEEDED if name in destination.settings
    ]
    url = strip_credentials(destination.url)
    return " ".join([*variables, shlex.join(["packhouse", "fetch", url, reference, "--key", KEY, "-o", folder])])
