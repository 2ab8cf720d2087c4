# SPDX-License-Identifier: Apache-2.0
"""Which worker builds what, and that every job ends exactly once, whatever machine dies meanwhile."""
