# SPDX-License-Identifier: Apache-2.0
"""Start an image in a virtual machine, watch its serial console, and tell whether it came up."""
