# SPDX-License-Identifier: Apache-2.0
"""The typed description: one module a domain, everything immutable, nothing merged yet.

Each element keeps the place it was read from. Values stand as written (white space trimmed); an empty string or
tuple means that the description does not say. Defaults and merging are the plan's business.
"""
