# SPDX-License-Identifier: Apache-2.0
"""What a forge is told: the state of a commit's builds, and a refreshed lock as a proposed change."""
