# SPDX-License-Identifier: Apache-2.0
"""Look at the watched repositories, and ask for builds of what changed."""
