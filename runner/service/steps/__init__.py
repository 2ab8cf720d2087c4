# SPDX-License-Identifier: Apache-2.0
"""The steps of a job. Each runs in a process of its own, which gets an order and answers with events."""
