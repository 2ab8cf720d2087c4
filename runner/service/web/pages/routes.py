# SPDX-License-Identifier: Apache-2.0
"""All pages."""

from __future__ import annotations

from runner.service.web.pages import badges, feed, jobs, places

ROUTES = (*places.ROUTES, *jobs.ROUTES, *badges.ROUTES, *feed.ROUTES)
