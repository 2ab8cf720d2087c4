#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds, signs and publishes as the action's inputs say, which come as INPUT_* variables. Then reports: log
# groups, annotations, outputs and the job's summary.
set -euo pipefail

HERE=$(cd "$(dirname "$0")" && pwd)
readonly HERE
: "${RUNNER_TEMP:?is set by the runner}" "${GITHUB_WORKSPACE:?is set by the runner}"
# shellcheck source=actions/build/privilege.sh
source "$HERE/privilege.sh"

readonly VENV=$RUNNER_TEMP/packhouse-venv
readonly TARGET=${INPUT_TARGET_DIR:-$RUNNER_TEMP/packhouse-image}
key=""  # the file with the signing key, which goes when we go
trap '[[ -z $key ]] || rm -f "$key"' EXIT

report() {
    "$VENV/bin/python" "$HERE/report.py" "$@"
}

# Adds an option and its value to the command, unless the value is empty.
option() {
    [[ -z $2 ]] || command+=("$1" "$2")
}

# Prints the lines of an input that are not blank, without the spaces around them.
lines_of() {
    sed -E 's/^[[:space:]]+//; s/[[:space:]]+$//; /^$/d' <<<"$1"
}

# A secret lives in a file only we can read, and only as long as we run.
write_key() {
    key=$(umask 077 && mktemp "$RUNNER_TEMP/packhouse-key.XXXXXX")
    printf '%s\n' "$INPUT_SIGN_KEY" >"$key"
    export PACKHOUSE_KEY_PASSPHRASE=${INPUT_SIGN_KEY_PASSPHRASE:-}
    unset INPUT_SIGN_KEY INPUT_SIGN_KEY_PASSPHRASE
}

make_command() {
    local item
    command=("$VENV/bin/packhouse" --json --verbose build)
    option --subdir "${INPUT_DESCRIPTION:-}"
    option --ref "${INPUT_REF:-}"
    option --type "${INPUT_TYPE:-}"
    option --target-dir "$TARGET"
    option --publish "${INPUT_PUBLISH:-}"
    option --channel "${INPUT_CHANNEL:-}"
    option --sign "$key"
    [[ ${INPUT_BOOT_TEST:-} != true ]] || command+=(--boot-test)
    option --boot-script "${INPUT_BOOT_SCRIPT:-}"
    while read -r item; do
        command+=(--profile "$item")
    done < <(lines_of "${INPUT_PROFILE:-}")
    while read -r item; do
        command+=("$item")
    done < <(lines_of "${INPUT_EXTRA_ARGS:-}")
    command+=(-- "${INPUT_SOURCE:-$GITHUB_WORKSPACE}")
}

main() {
    local command=() code=0
    [[ -z ${INPUT_SIGN_KEY:-} ]] || write_key
    export PACKHOUSE_STORE=${INPUT_STORE:-$RUNNER_TEMP/packhouse-store}
    [[ -z ${INPUT_S3_ENDPOINT:-} ]] || export AWS_ENDPOINT_URL_S3=$INPUT_S3_ENDPOINT
    make_command

    # The result is read from the files; what people follow is standard error.
    as_root "${command[@]}" 2>&1 >/dev/null | report follow || code=${PIPESTATUS[0]}
    if ((code != 0)); then
        return "$code"
    fi
    # What root has built belongs to the job's user from here on.
    as_root chown -R "$(id -u):$(id -g)" "$TARGET"
    report result "$TARGET" ${key:+--signed} \
        ${INPUT_PUBLISH:+--published "$INPUT_PUBLISH"} ${INPUT_CHANNEL:+--channel "$INPUT_CHANNEL"}
}

main
