# SPDX-License-Identifier: Apache-2.0
"""Web pages, HTTP API, webhooks and metrics of the runner.

Every text from git, a log or a description is hostile here: pages escape, scripts only ever set text.
"""
