#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs in the finished tree, after packages, overlay and users.
set -eux

. /.kconfig
. /.profile

# Services start at boot only where an init system is part of the image.
baseInsertService systemd-timesyncd

# Accounts made later get a home only their owner can read.
baseUpdateSysConfig /etc/default/useradd SHELL /bin/bash

echo "${kiwi_iname} ${kiwi_iversion} (${kiwi_profiles})" >/etc/image-release
