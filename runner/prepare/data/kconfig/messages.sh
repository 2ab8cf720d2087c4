# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# --- messages -------------------------------------------------------------------------------------------------

# Echo TEXT...: print a message.
Echo() {
    printf '    %s\n' "$*"
}

# Debug TEXT...: print a message when the variable debug or DEBUG is set.
Debug() {
    if [ -n "${debug:-${DEBUG:-}}" ]; then
        printf 'debug: %s\n' "$*" >&2
    fi
}

# Rm ARG...: rm, announced through Debug.
Rm() {
    Debug "rm $*"
    rm "$@"
}

_packhouseWarn() {
    printf 'warning: %s\n' "$*" >&2
}

_packhouseIgnored() {
    _packhouseWarn "$1 is deprecated and does nothing"
}

# Tell whether this is an image under work. Elsewhere, such as on the machine of someone who tries a script out,
# nothing that changes the system may run.
_packhouseInImage() { # NAME OF THE FUNCTION
    if [ -e /.kconfig ]; then
        return 0
    fi
    _packhouseWarn "$1: this is no image under work (there is no /.kconfig): skipped"
    return 1
}
