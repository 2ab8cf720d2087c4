#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job once, on real input: builds an example from a git repository, signs and publishes it, fetches it
# back and verifies it.
#
#   scripts/demo.sh PACKHOUSE OUT     PACKHOUSE is the command, OUT a folder that is emptied first
set -euo pipefail
cd "$(dirname "$0")/.."

readonly EXAMPLE=debian-minimal TYPE=tbz CHANNEL=edge  # the image is named like its folder

step() {
    printf '\n\033[1m==> %s\033[0m\n' "$*"
}

run() {
    printf '$ %s\n' "$*"
    "$@"
}

# What a user has: a repository with a description at its top, cloned over git's own protocol.
make_repository() {
    cp -a "examples/$EXAMPLE" "$1"
    git -C "$1" init --quiet --initial-branch main
    git -C "$1" add --all
    git -C "$1" -c user.name=Demo -c user.email=demo@example.org -c commit.gpgsign=false \
        commit --quiet --message "Describe the image"
}

main() {
    if (($# != 2)); then
        echo "usage: $0 PACKHOUSE OUT" >&2
        return 2
    fi
    local packhouse=$1 out
    rm -rf "$2"
    mkdir -p "$2"
    out=$(cd "$2" && pwd)
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    local store=file://$out/store

    step "Make a signing key and a git repository with the description"
    run "$packhouse" keygen --out "$out/demo-key"
    make_repository "$work/image"

    step "Build, sign and publish"
    run "$packhouse" build "file://$work/image" --ref main --type "$TYPE" --target-dir "$out/image" \
        --sign "$out/demo-key" --publish "$store" --channel "$CHANNEL"

    step "Fetch what was published, and verify it again, offline"
    run "$packhouse" fetch "$store" "$EXAMPLE:$CHANNEL" --key "$out/demo-key.pub" -o "$out/fetched"
    run "$packhouse" verify "$out/fetched" --key "$out/demo-key.pub"

    step "Done"
    print_files "$out"
}

print_files() {
    printf '%-11s %s\n' \
        "image" "$(ls "$1"/fetched/*.tar.xz)" \
        "manifest" "$(ls "$1"/fetched/*.manifest.json)" \
        "signature" "$(ls "$1"/fetched/*.intoto.jsonl)" \
        "public key" "$1/demo-key.pub" \
        "storage" "$1/store"
}

main "$@"
