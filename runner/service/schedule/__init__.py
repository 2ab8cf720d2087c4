# SPDX-License-Identifier: Apache-2.0
"""Builds at set times: nightly ones, against the packages of the day."""
