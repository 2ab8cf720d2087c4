# SPDX-License-Identifier: Apache-2.0
"""The HTTP API, ``/api/v1``: everybody may read, a token is needed to change anything."""
