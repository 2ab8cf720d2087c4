# SPDX-License-Identifier: Apache-2.0
"""What a system does when it starts for the first time on its machine."""
