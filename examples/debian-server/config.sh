#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
test -f /.kconfig && . /.kconfig
set -euo pipefail

systemctl enable systemd-networkd.service systemd-resolved.service ssh.service
