# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Real root is the normal case on a hosted runner: a virtual machine of one's own, with sudo and no password.
# Elsewhere Packhouse builds in a user namespace with the caller's subordinate uid range.

# The only variables that cross sudo: where things are, logins for storage and git, ways through the network.
readonly KEPT='^(AWS_|PACKHOUSE_|SSH_AUTH_SOCK$|SSL_CERT_FILE$|NO_COLOR$|PIP_|.*_(proxy|PROXY)$)'

may_sudo() {
    ((EUID != 0)) && command -v sudo >/dev/null && sudo --non-interactive true 2>/dev/null
}

# Runs a command as root if that is possible, as the caller otherwise.
as_root() {
    if may_sudo; then
        local names
        names=$(compgen -e | grep -E "$KEPT" | paste -sd,) || true
        sudo --non-interactive ${names:+"--preserve-env=$names"} "$@"
    else
        "$@"
    fi
}
