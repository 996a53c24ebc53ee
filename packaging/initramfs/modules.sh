# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
#
# What the builders of initramfs images share; their hooks source it, some in sh and some in bash.

# By name, as modules.dep knows who wins.  Not every kernel has all of them as modules.
# shellcheck disable=SC2034
XENFRONT_MODULES="xen-guest xenfs xen-blkfront xen-netfront xen-kbdfront xenfront-kbd xen-fbfront xenfront-fb xen-console"

# Where the image keeps the kernel's own, for the day on which ours are not wanted (see early).
# shellcheck disable=SC2034
XENFRONT_ORIGINALS=/usr/lib/xenfront/original

# xenfront_originals KERNEL: the files of the kernel's own drivers
#
# DKMS from 3.1 on has moved those that ours replace to a place of its own.
xenfront_originals()
{
	for place in "/lib/modules/$1/kernel/drivers" "/var/lib/dkms/xenfront/original_module/$1"; do
		[ -d "$place" ] || continue
		find "$place" \( -name 'xen-blkfront.ko*' -o -name 'xen-netfront.ko*' -o \
			-name 'xen-kbdfront.ko*' -o -name 'xen-fbfront.ko*' \) \
			! -name '*.origin' -type f
	done
}

# xenfront_originals_need KERNEL: the names of the modules that those depend on
xenfront_originals_need()
{
	xenfront_originals "$1" | while read -r file; do
		modinfo -F depends "$file" | tr ',' '\n'
	done | sort -u | sed '/^$/d'
}
