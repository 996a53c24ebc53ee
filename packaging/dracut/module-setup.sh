#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154	# $kernel and $initdir are dracut's
#
# The front-ends in every image, by name: by directory dracut prefers the kernel's own to ours, and does not find
# ours where DKMS has put them.

# Not only on Xen: who installs this wants an image that boots there, wherever it is made.
check() {
    return 0
}

depends() {
    return 0
}

installkernel() {
    # shellcheck source=packaging/initramfs/modules.sh
    . /usr/lib/xenfront/modules.sh
    # Without hostonly, which would leave out what this machine does not use right now; one by one, as the
    # kernel has only some of them.
    local name
    for name in $XENFRONT_MODULES $(xenfront_originals_need "$kernel"); do
        hostonly='' instmods -c -s "$name"
    done
    return 0
}

install() {
    local file
    # shellcheck source=packaging/initramfs/modules.sh
    . /usr/lib/xenfront/modules.sh
    # The way back (see early).
    for file in $(xenfront_originals "$kernel"); do
        inst_simple "$file" "$XENFRONT_ORIGINALS/${file##*/}"
    done
    mkdir -p "$initdir$XENFRONT_ORIGINALS"
    xenfront_originals_need "$kernel" > "$initdir$XENFRONT_ORIGINALS/needs"
    inst_multiple modprobe insmod
    inst_hook pre-udev 10 /usr/lib/xenfront/early.sh
}
