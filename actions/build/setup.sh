#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs this checkout of Packhouse for the job: system packages, then a virtual environment from pinned hashes.
# A second use of the action in the same job finds it done.
set -euo pipefail

ACTION=$(cd "$(dirname "$0")/../.." && pwd)
readonly ACTION
: "${RUNNER_TEMP:?is set by the runner}"
# shellcheck source=actions/build/privilege.sh
source "$ACTION/actions/build/privilege.sh"

install_packhouse() {
    local venv=$1 pip
    "$("$ACTION/scripts/find-python.sh")" -m venv --clear "$venv"
    pip=("$venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input)
    "${pip[@]}" install --require-hashes --requirement "$ACTION/requirements/runtime.txt"
    "${pip[@]}" install --no-deps --no-build-isolation "$ACTION"
    touch "$venv/.complete"
}

echo "::group::Install Packhouse"
boot=()
[[ ${INPUT_BOOT_TEST:-} != true ]] || boot=(--boot)
as_root "$ACTION/scripts/system-packages.sh" "${boot[@]}"
[[ -e $RUNNER_TEMP/packhouse-venv/.complete ]] || install_packhouse "$RUNNER_TEMP/packhouse-venv"
"$RUNNER_TEMP/packhouse-venv/bin/packhouse" --version
echo "::endgroup::"
