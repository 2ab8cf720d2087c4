# SPDX-License-Identifier: Apache-2.0
"""The runner: watches repositories, builds what changed, publishes and reports, on one machine or many."""
