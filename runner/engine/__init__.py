# SPDX-License-Identifier: Apache-2.0
"""The part of a build that touches trees, as a process of its own.

It runs in its own mount and process namespaces (and, without root, in a user namespace with many ids): when it
ends, however it ends, every mount and every process of the build is gone with it. It has no key, no storage and no
git; it gets a job as data and answers with data.
"""
