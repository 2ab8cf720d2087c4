# SPDX-License-Identifier: Apache-2.0
"""What others are to be told: kept in the database until they were, however often a network or a process fails."""
