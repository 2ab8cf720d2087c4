#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Writes requirements/*.txt from pyproject.toml: every version pinned, every file by its hash, for all platforms.
#
#   scripts/pin-requirements.sh UV [--upgrade]
set -euo pipefail
cd "$(dirname "$0")/.."

readonly UV=$1
shift
pin() {
    "$UV" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --custom-compile-command 'make requirements' pyproject.toml requirements/build.in "$@"
}

pin "$@" --output-file requirements/runtime.txt
pin "$@" --extra service --constraint requirements/runtime.txt --output-file requirements/service.txt
pin "$@" --extra service --extra dev --constraint requirements/runtime.txt --output-file requirements/dev.txt
pin "$@" --extra fuzz --constraint requirements/runtime.txt --output-file requirements/fuzz.txt
