# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# --- libraries that nobody needs ------------------------------------------------------------------------------

_packhouseLibraryFolders() { # print the folders that the loader searches, each once, by its real path
    local folder
    for folder in /lib /lib64 /usr/lib /usr/lib64 /usr/lib/*-linux-* /lib/*-linux-*; do
        if [ -d "${folder}" ]; then
            readlink -f "${folder}"
        fi
    done | sort -u
}

_packhouseLibraryUsers() { # print every program, and every library in a folder of its own: plugins, modules
    local folder
    for folder in /bin /sbin /usr/bin /usr/sbin /usr/local/bin /usr/local/sbin /usr/libexec; do
        if [ -d "${folder}" ]; then
            find "${folder}/" -type f -perm /111
        fi
    done
    _packhouseLibraryFolders | while IFS= read -r folder; do
        find "${folder}" -mindepth 2 -type f \( -name '*.so' -o -name '*.so.*' -o -perm /111 \)
    done
}

_packhouseNeededLibraries() { # print the real path of every library that a program or a plugin is linked with
    local user path
    _packhouseLibraryUsers | sort -u | while IFS= read -r user; do
        ldd "${user}" 2>/dev/null || :
    done | while IFS= read -r path; do
        path=${path##*=> }
        path=${path#"${path%%[![:space:]]*}"}
        case "${path}" in
            /*) readlink -f "${path% (0x*}" || : ;;
        esac
    done | sort -u
}

# baseStripUnusedLibs NAME...: remove the shared libraries that no program and no plugin is linked with. Those
# whose name begins with a NAME, or with one of $kiwi_strip_libs, stay: a program may open them by name.
baseStripUnusedLibs() {
    local needed folder path real name
    _packhouseInImage baseStripUnusedLibs || return 0
    if ! command -v ldd >/dev/null 2>&1; then
        _packhouseWarn "baseStripUnusedLibs: the image has no ldd: nothing removed"
        return 0
    fi
    needed=$'\n'$(_packhouseNeededLibraries)$'\n'
    if [ -z "${needed//$'\n'/}" ]; then
        _packhouseWarn "baseStripUnusedLibs: no program is linked with a library: nothing removed"
        return 0
    fi
    _packhouseLibraryFolders | while IFS= read -r folder; do
        find "${folder}" -mindepth 1 -maxdepth 1 \( -type f -o -type l \) \( -name '*.so' -o -name '*.so.*' \)
    done | sort | while IFS= read -r path; do
        real=$(readlink -f "${path}") || continue
        case "${needed}" in
            *$'\n'"${real}"$'\n'*) continue ;;
        esac
        # The loader, and what the C library opens by name.
        # shellcheck disable=SC2048,SC2086 # one argument may hold several names
        for name in ld- libnss_ libgcc_s. libresolv. $* ${kiwi_strip_libs:-}; do
            case "${path##*/}" in
                "${name}"*) continue 2 ;;
            esac
        done
        printf '%s\n' "${path}"
    done | while IFS= read -r path; do
        Debug "baseStripUnusedLibs: ${path}"
        rm -f -- "${path}"
    done
}
