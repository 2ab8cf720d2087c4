#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints the Python this project is installed with: $PYTHON if set, otherwise the first one that is new enough.
set -eu

new_enough() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 /usr/bin/python3}; do
    if new_enough "$python"; then
        command -v "$python"
        exit 0
    fi
done
echo "no Python 3.11 or newer with the venv module (tried: ${PYTHON:-python3, python3.13 to python3.11})" >&2
echo "to fix: scripts/system-packages.sh, or set PYTHON=/path/to/python3" >&2
exit 9
