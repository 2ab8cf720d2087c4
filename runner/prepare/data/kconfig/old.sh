# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

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
baseSyncKernelTree() { _packhouseMissing baseSyncKernelTree; }
baseUpdateModuleDependencies() { _packhouseMissing baseUpdateModuleDependencies; }
baseVagrantSetup() { _packhouseMissing baseVagrantSetup; }
mountCgroups() { _packhouseMissing mountCgroups; }
umountCgroups() { _packhouseMissing umountCgroups; }
setupContainerRuntime() { _packhouseMissing setupContainerRuntime; }
suseImportBuildKey() { _packhouseMissing suseImportBuildKey; }
suseStripInitrd() { _packhouseMissing suseStripInitrd; }
suseStripKernel() { _packhouseMissing suseStripKernel; }
