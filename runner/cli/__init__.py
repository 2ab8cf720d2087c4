# SPDX-License-Identifier: Apache-2.0
"""The command line: arguments in, text or JSON out, and nothing else. One file a group of commands."""
