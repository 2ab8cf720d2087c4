# SPDX-License-Identifier: Apache-2.0
"""Pack one tree in a process of its own: ``python -m tests.integration.create.build_once TYPE ROOT TARGET``."""

from __future__ import annotations

import sys
from pathlib import Path

from runner.create.pipeline import create
from tests.integration.create.trees import EPOCH, SEED, plan, workshop

if __name__ == "__main__":
    image, root, target = sys.argv[1:]
    create(plan(image), Path(root), Path(target), epoch=EPOCH, seed=SEED, workshop=workshop())
