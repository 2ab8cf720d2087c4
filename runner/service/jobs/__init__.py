# SPDX-License-Identifier: Apache-2.0
"""A job: one image to be built at one commit, from being asked for to being published or given up."""
