#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Makes sure that the programs Packhouse runs are installed (Debian 12 and 13, Ubuntu 24.04).
#
#   scripts/system-packages.sh            what a build needs
#   scripts/system-packages.sh --boot     and what boot tests need
#   scripts/system-packages.sh --test     and what the tests need, boot tests among them
#   scripts/system-packages.sh --bench    and what the tools need that the benchmark compares with
#   scripts/system-packages.sh --list …   only print the missing packages
#
# As root it installs what is missing; as an ordinary user it prints the command that does, and fails.
# PACKHOUSE_SYSTEM_PACKAGES=skip trusts you that everything is there, from wherever it came.
set -euo pipefail

readonly BUILD=(
    apt bubblewrap ca-certificates cryptsetup-bin debian-archive-keyring dosfstools e2fsprogs erofs-utils git gpg gpgv gzip
    libarchive-tools mtools openssl python3 python3-venv qemu-utils squashfs-tools tar uidmap util-linux xfsprogs
    xz-utils
)
readonly BOOT=(ovmf qemu-system-x86)
readonly TEST=(
    acl apt-utils attr btrfs-progs busybox-static chromium cpio dpkg-dev faketime git-lfs gnupg mmdebstrap
    postgresql shellcheck skopeo umoci
)
readonly BENCH=(fdisk gdisk mmdebstrap mount parted rsync)

# One download at a time may stall on a dead mirror; none may stall the whole installation.
readonly APT=(apt-get -q -o Acquire::http::Timeout=30 -o Acquire::Retries=2 -o DPkg::Lock::Timeout=300)

is_installed() {
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

print_missing() {
    local package
    for package in "$@"; do
        is_installed "$package" || echo "$package"
    done
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    # A broken third-party source is no reason to stop: the packages needed come from the distribution.
    "${APT[@]}" update || echo "apt-get update had errors; going on with the lists there are" >&2
    "${APT[@]}" install --yes --no-install-recommends "$@" && return
    "${APT[@]}" update
    "${APT[@]}" install --yes --no-install-recommends "$@"
}

main() {
    local wanted=("${BUILD[@]}") only_list=false argument
    for argument in "$@"; do
        case $argument in
            --boot) wanted+=("${BOOT[@]}") ;;
            --test) wanted+=("${BOOT[@]}" "${TEST[@]}") ;;
            --bench) wanted+=("${BENCH[@]}") ;;
            --list) only_list=true ;;
            *) echo "usage: $0 [--boot] [--test] [--bench] [--list]" >&2; return 2 ;;
        esac
    done
    [[ ${PACKHOUSE_SYSTEM_PACKAGES:-} != skip ]] || return 0
    if ! command -v dpkg-query >/dev/null; then
        echo "This is not a Debian or Ubuntu system; please see to it that these are installed: ${wanted[*]}" >&2
        return 0
    fi

    local missing
    mapfile -t missing < <(print_missing "${wanted[@]}")
    if ((${#missing[@]} == 0)); then
        return 0
    elif $only_list; then
        printf '%s\n' "${missing[@]}"
    elif ((EUID == 0)); then
        install_packages "${missing[@]}"
    else
        echo "Some system packages are missing. To install them:" >&2
        echo "    sudo apt-get update && sudo apt-get install --yes --no-install-recommends ${missing[*]}" >&2
        return 9
    fi
}

main "$@"
