# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Helper functions for the scripts of an image description, under the names that KIWI gives them.
# Source it:  test -f /.kconfig && . /.kconfig
#
# They hold under "set -e" and "set -u": a function that has nothing to do succeeds.

export LANG=C
export LC_ALL=C
