# SPDX-License-Identifier: Apache-2.0
"""Findings for people and for machines: one file a form."""
