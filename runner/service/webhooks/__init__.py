# SPDX-License-Identifier: Apache-2.0
"""Calls of forges when somebody pushed: believed when signed, and even then only a hint to look now.

An event never chooses what is built; :mod:`runner.service.watch` asks the repository itself. So a call that is
forged or played again costs one look at most.
"""
