# SPDX-License-Identifier: Apache-2.0
"""``packhouse.yaml``: what a runner watches, where results go and what it may use."""
