# SPDX-License-Identifier: Apache-2.0
"""The local content-addressed store: package files, tree layers, results.

Everything in it can be thrown away: it is a cache. What is in it is trusted only as far as it can be checked:
blobs by their digest each time they are used, layers by having been completed in this boot or flushed to disk.
"""

from runner.store.blobs import BlobStore
from runner.store.layers import Layer, LayerStore
from runner.store.store import Store, default_location

__all__ = ["BlobStore", "Layer", "LayerStore", "Store", "default_location"]
