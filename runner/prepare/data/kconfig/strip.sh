# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# --- making the image smaller ---------------------------------------------------------------------------------

# baseStripAndKeep NAME...: remove the paths read from standard input, unless their last part is a NAME.
baseStripAndKeep() {
    local path name
    _packhouseInImage baseStripAndKeep || return 0
    if [ -z "${*// /}" ]; then
        _packhouseWarn "baseStripAndKeep: nothing to keep is named: nothing removed"
        return 0
    fi
    while IFS= read -r path; do
        for name in "$@"; do
            if [ "${path##*/}" = "${name}" ]; then
                continue 2
            fi
        done
        if [ -n "${path}" ] && [ "${path}" != / ]; then
            rm -rf -- "${path}"
        fi
    done
}

_packhouseList() { # FOLDER: print the paths of its entries, hidden ones too
    if [ -d "$1" ]; then
        find "$1" -mindepth 1 -maxdepth 1 | sort
    fi
}

# baseStripLocales NAME...: keep only these compiled locales (and C and POSIX).
baseStripLocales() {
    local keep
    _packhouseInImage baseStripLocales || return 0
    if [ -z "${*// /}" ]; then
        _packhouseWarn "baseStripLocales: no locale to keep is named: nothing removed"
        return 0
    fi
    # shellcheck disable=SC2048 # one argument may hold several names
    for keep in $*; do
        set -- "$@" "${keep}"
    done
    _packhouseList /usr/lib/locale | baseStripAndKeep "$@" C C.utf8 C.UTF-8 POSIX
}

# baseStripTranslations NAME...: keep only these translations of messages.
baseStripTranslations() {
    local keep
    _packhouseInImage baseStripTranslations || return 0
    if [ -z "${*// /}" ]; then
        _packhouseWarn "baseStripTranslations: no language to keep is named: nothing removed"
        return 0
    fi
    # shellcheck disable=SC2048 # one argument may hold several names
    for keep in $*; do
        set -- "$@" "${keep}"
    done
    _packhouseList /usr/share/locale | baseStripAndKeep "$@" locale.alias
}

# baseStripTools FOLDER NAME...: keep only these programs of FOLDER.
baseStripTools() {
    local folder="${1:-}" keep
    _packhouseInImage baseStripTools || return 0
    if [ "$#" -gt 0 ]; then
        shift
    fi
    if [ -z "${*// /}" ]; then
        _packhouseWarn "baseStripTools: no program to keep is named: nothing removed"
        return 0
    fi
    # shellcheck disable=SC2048 # one argument may hold several names
    for keep in $*; do
        set -- "$@" "${keep}"
    done
    if [ -n "${folder}" ]; then
        _packhouseList "${folder}" | baseStripAndKeep "$@"
    fi
}
