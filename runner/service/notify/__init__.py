# SPDX-License-Identifier: Apache-2.0
"""Tell people and programs how builds end: one file a way to reach them."""
