# SPDX-License-Identifier: Apache-2.0
"""The line through the house: from a source to a published release, one function a stage."""
