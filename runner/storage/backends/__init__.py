# SPDX-License-Identifier: Apache-2.0
"""One module for each storage, named like its URL scheme, with ``connect(location) -> Storage`` in it."""
