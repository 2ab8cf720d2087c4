# SPDX-License-Identifier: Apache-2.0
"""Forgejo: as Gitea, whose names it sends too; its own header is the one to check where there is one."""

from __future__ import annotations

from runner.service.webhooks.gitea import Gitea


class Forgejo(Gitea):
    """A webhook of the kind "Forgejo"."""

    names = ("Forgejo", "Gitea")
