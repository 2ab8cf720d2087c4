# SPDX-License-Identifier: Apache-2.0
"""Pages for people, made on the server; what scripts add is never needed to read one."""
