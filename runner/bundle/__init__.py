# SPDX-License-Identifier: Apache-2.0
"""Bundle: a build's result files under release names, compressed and with checksums, as KIWI's bundler does."""
