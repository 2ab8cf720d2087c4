# SPDX-License-Identifier: Apache-2.0
"""The logs of jobs, readable while they are written, from any machine."""
