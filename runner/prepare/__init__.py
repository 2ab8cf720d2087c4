# SPDX-License-Identifier: Apache-2.0
"""From a tree of packages to the image's tree: one small file a step, run in KIWI's order."""

from runner.prepare.normalisation import assert_normal
from runner.prepare.sequence import (
    VERSION,
    ConfigureInputs,
    Phase,
    after_bootstrap,
    configure,
    images_script,
    normalise,
    run_script,
)
from runner.prepare.step import Bench

__all__ = [
    "VERSION",
    "Bench",
    "ConfigureInputs",
    "Phase",
    "after_bootstrap",
    "assert_normal",
    "configure",
    "images_script",
    "normalise",
    "run_script",
]
