# SPDX-License-Identifier: Apache-2.0
"""What the runner remembers, in SQLite on one machine or PostgreSQL for many."""
