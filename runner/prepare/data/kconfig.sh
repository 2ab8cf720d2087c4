# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Helper functions for the scripts of an image description, under the names that KIWI gives them.
# Source it:  test -f /.kconfig && . /.kconfig
#
# They hold under "set -e" and "set -u": a function that has nothing to do succeeds.

export LANG=C
export LC_ALL=C

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

# --- configuration files --------------------------------------------------------------------------------------

# baseUpdateSysConfig FILE NAME VALUE: replace the value of an existing NAME= line.
baseUpdateSysConfig() {
    local file="${1:-}" name="${2:-}" value="${3:-}" line quoted found="" content=""
    if [ ! -f "${file}" ]; then
        _packhouseWarn "baseUpdateSysConfig: there is no file ${file}"
        return 0
    fi
    quoted=${value//\\/\\\\}
    quoted=${quoted//\"/\\\"}
    quoted=${quoted//\$/\\\$}
    quoted=${quoted//\`/\\\`}
    while IFS= read -r line || [ -n "${line}" ]; do
        case "${line}" in
            "${name}="*)
                line="${name}=\"${quoted}\""
                found=yes
                ;;
        esac
        content+="${line}"$'\n'
    done <"${file}"
    if [ -z "${found}" ]; then
        Debug "baseUpdateSysConfig: no ${name}= in ${file}"
        return 0
    fi
    printf '%s' "${content}" >"${file}"
}

# baseQuoteFile FILE: quote the unquoted values of NAME=VALUE lines, so that a shell can source the file.
baseQuoteFile() {
    local file="${1:-}" line name value content="" quote="'"
    if [ ! -f "${file}" ]; then
        return 0
    fi
    while IFS= read -r line || [ -n "${line}" ]; do
        name=${line%%=*}
        value=${line#*=}
        case "${line}" in
            *=*)
                case "${name}" in
                    "" | [0-9]* | *[!A-Za-z0-9_]*) ;;
                    *)
                        case "${value}" in
                            \"*\" | \'*\') ;;
                            *) line="${name}=${quote}${value//${quote}/${quote}\\${quote}${quote}}${quote}" ;;
                        esac
                        ;;
                esac
                ;;
        esac
        content+="${line}"$'\n'
    done <"${file}"
    printf '%s' "${content}" >"${file}"
}

# baseSetupBuildDay: write the day of the build to /build_day. It is the day of the sources, for the same image
# from the same sources.
baseSetupBuildDay() {
    _packhouseInImage baseSetupBuildDay || return 0
    printf 'build_day=%s\n' "$(date --utc --date="@${SOURCE_DATE_EPOCH:-0}" +%Y%m%d)" >/build_day
}

# suseSetupProduct: link /etc/products.d/baseproduct to the installed product.
suseSetupProduct() {
    local product
    _packhouseInImage suseSetupProduct || return 0
    if [ -e /etc/products.d/baseproduct ] || [ -L /etc/products.d/baseproduct ]; then
        return 0
    fi
    for product in /etc/products.d/*.prod; do
        if [ -f "${product}" ]; then
            ln -s "${product##*/}" /etc/products.d/baseproduct
            return 0
        fi
    done
}

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

# --- names that old scripts call, where there is nothing to do --------------------------------------------------

baseGetProfilesUsed() {
    _packhouseWarn "baseGetProfilesUsed is deprecated: use \$kiwi_profiles"
    printf '%s\n' "${kiwi_profiles:-}" | tr ',' ' '
}

baseGetPackagesForDeletion() {
    _packhouseWarn "baseGetPackagesForDeletion is deprecated: use \$kiwi_delete"
    printf '%s\n' "${kiwi_delete:-}"
}

Rpm() {
    _packhouseWarn "Rpm is deprecated: use rpm"
    if command -v rpm >/dev/null 2>&1; then
        rpm "$@"
    fi
}

mountProc() { Debug "mountProc: /proc is there"; }
umountProc() { Debug "umountProc: /proc stays"; }

baseMount() { _packhouseIgnored baseMount; }
baseCleanMount() { _packhouseIgnored baseCleanMount; }
baseCleanup() { _packhouseIgnored baseCleanup; }
baseSetupUserPermissions() { _packhouseIgnored baseSetupUserPermissions; }
baseStripDocs() { _packhouseIgnored baseStripDocs; }
baseStripInfos() { _packhouseIgnored baseStripInfos; }
baseStripMans() { _packhouseIgnored baseStripMans; }
suseActivateDefaultServices() { _packhouseIgnored suseActivateDefaultServices; }
suseCleanup() { _packhouseIgnored suseCleanup; }
suseConfig() { _packhouseIgnored suseConfig; }
suseRemoveYaST() { _packhouseIgnored suseRemoveYaST; }
suseSetupProductInformation() { _packhouseIgnored suseSetupProductInformation; }
suseStripPackager() { _packhouseIgnored suseStripPackager; }
debianStripInitrd() { _packhouseIgnored debianStripInitrd; }
debianStripKernel() { _packhouseIgnored debianStripKernel; }
rhelSplashToGrub() { _packhouseIgnored rhelSplashToGrub; }
rhelStripInitrd() { _packhouseIgnored rhelStripInitrd; }
rhelStripKernel() { _packhouseIgnored rhelStripKernel; }

_packhouseMissing() {
    _packhouseWarn "$1 is not supported: skipped"
}

baseCreateKernelTree() { _packhouseMissing baseCreateKernelTree; }
baseFixupKernelModuleDependencies() { _packhouseMissing baseFixupKernelModuleDependencies; }
baseKernelDriverMatches() { _packhouseMissing baseKernelDriverMatches; }
baseStripFirmware() { _packhouseMissing baseStripFirmware; }
baseStripInitrd() { _packhouseMissing baseStripInitrd; }
baseStripKernel() { _packhouseMissing baseStripKernel; }
baseStripModules() { _packhouseMissing baseStripModules; }
baseStripUnusedLibs() { _packhouseMissing baseStripUnusedLibs; }
baseSyncKernelTree() { _packhouseMissing baseSyncKernelTree; }
baseUpdateModuleDependencies() { _packhouseMissing baseUpdateModuleDependencies; }
baseVagrantSetup() { _packhouseMissing baseVagrantSetup; }
mountCgroups() { _packhouseMissing mountCgroups; }
umountCgroups() { _packhouseMissing umountCgroups; }
setupContainerRuntime() { _packhouseMissing setupContainerRuntime; }
suseImportBuildKey() { _packhouseMissing suseImportBuildKey; }
suseStripInitrd() { _packhouseMissing suseStripInitrd; }
suseStripKernel() { _packhouseMissing suseStripKernel; }
