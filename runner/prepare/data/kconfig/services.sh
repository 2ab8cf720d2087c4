# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

# --- units and services ---------------------------------------------------------------------------------------

_packhouseUnitFile() { # NAME-WITH-SUFFIX: print the path of the unit file
    local folder
    for folder in /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
        if [ -e "${folder}/$1" ] || [ -L "${folder}/$1" ]; then
            printf '%s\n' "${folder}/$1"
            return 0
        fi
    done
    return 1
}

_packhouseUnitName() { # NAME: print the name with its suffix when there is such a unit
    local suffix template
    for suffix in "" .service .mount; do
        template="$1${suffix}"
        case "${template}" in
            *@?*.*) template="${template%%@*}@.${template##*.}" ;; # getty@tty1.service is made from getty@.service
        esac
        case "${template}" in
            *.*) ;;
            *) continue ;;
        esac
        if _packhouseUnitFile "${template}" >/dev/null; then
            printf '%s\n' "$1${suffix}"
            return 0
        fi
    done
    return 1
}

# baseSystemdServiceInstalled NAME: print the unit file of a service or mount; fail when there is none.
baseSystemdServiceInstalled() {
    _packhouseUnitFile "${1:-}.service" || _packhouseUnitFile "${1:-}.mount"
}

# baseSysVServiceInstalled NAME: print the init script of that name; fail when there is none.
baseSysVServiceInstalled() {
    if [ -n "${1:-}" ] && [ -x "/etc/init.d/$1" ]; then
        printf '%s\n' "/etc/init.d/$1"
        return 0
    fi
    return 1
}

# baseSystemdCall NAME ARG...: systemctl ARG... NAME, if a unit, mount or init script NAME exists.
baseSystemdCall() {
    local name="${1:-}" unit=""
    if [ "$#" -lt 2 ] || ! _packhouseInImage baseSystemdCall; then
        return 0
    fi
    shift
    if unit=$(_packhouseUnitName "${name}"); then
        :
    elif baseSysVServiceInstalled "${name}" >/dev/null; then
        unit="${name}"
    else
        _packhouseWarn "there is no service ${name}: skipped: $*"
        return 0
    fi
    if ! command -v systemctl >/dev/null 2>&1; then
        _packhouseWarn "systemctl is not installed: skipped: $* ${name}"
        return 0
    fi
    systemctl "$@" "${unit}"
}

# baseInsertService NAME: start the service at boot.
baseInsertService() {
    baseSystemdCall "${1:-}" enable
}

# baseRemoveService NAME: do not start the service at boot.
baseRemoveService() {
    baseSystemdCall "${1:-}" disable
}

# baseService NAME on|off
baseService() {
    case "${2:-}" in
        on) baseInsertService "${1:-}" ;;
        off) baseRemoveService "${1:-}" ;;
        *) _packhouseWarn "baseService NAME on|off: not '$*'" ;;
    esac
}

suseInsertService() { baseInsertService "$@"; }
suseRemoveService() { baseRemoveService "$@"; }
suseService() { baseService "$@"; }

# baseSetRunlevel LEVEL: 1 to 3, 5, or the name of a target becomes the default target.
baseSetRunlevel() {
    local target file
    _packhouseInImage baseSetRunlevel || return 0
    case "${1:-}" in
        1 | 2 | 3) target=multi-user.target ;;
        5) target=graphical.target ;;
        *.*) target="$1" ;;
        "" | *[!A-Za-z0-9_@-]*)
            _packhouseWarn "baseSetRunlevel: no such runlevel: '${1:-}'"
            return 0
            ;;
        *) target="$1.target" ;;
    esac
    if ! file=$(_packhouseUnitFile "${target}"); then
        _packhouseWarn "baseSetRunlevel: the image has no ${target}"
        file="/usr/lib/systemd/system/${target}"
    fi
    mkdir -p /etc/systemd/system
    ln -sfn "${file}" /etc/systemd/system/default.target
}
