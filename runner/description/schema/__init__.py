# SPDX-License-Identifier: Apache-2.0
"""Our own RELAX NG grammar of the language at its newest version, and the validator that explains itself."""
