# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

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
