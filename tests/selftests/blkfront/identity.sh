#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Is it really this project's driver that serves the disk?
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_disk
need_tools modinfo
release=$(uname -r)

# The module that is loaded is the file below updates/, bit for bit as far as its sources go.
module_is_ours()
{
	file=$(modinfo -F filename "$1")
	case $file in
	"/lib/modules/$release/updates/"*) ;;
	*) fail "modprobe would take $file" ;;
	esac
	loaded=/sys/module/$(echo "$1" | tr - _)/srcversion
	[ -r "$loaded" ] || fail "$1 is not loaded"
	equal "srcversion of the loaded $1" "$(cat "$loaded")" "$(modinfo -F srcversion "$file")"
	echo "$1: $file, srcversion $(cat "$loaded"), version $(cat "${loaded%/*}/version")"
}

# The kernel's own module carries no version, or another one.
not_the_kernels()
{
	for intree in "/lib/modules/$release/kernel/drivers/block/xen-blkfront.ko"*; do
		[ -e "$intree" ] || skip "this kernel has no xen-blkfront of its own"
	done
	[ "$(modinfo -F srcversion "$intree")" != "$(cat /sys/module/xen_blkfront/srcversion)" ] ||
		fail "what is loaded is the kernel's own $intree"
	loaded=$(cat /sys/module/xen_blkfront/version)
	[ "$(modinfo -F version "$intree")" != "$loaded" ] || fail "$intree is version $loaded too"
}

driver_is_ours()
{
	equal "the driver of $disk" "$(basename "$(readlink -f "/sys/block/$disk/device/driver")")" xen-blkfront
	equal "the module of that driver" 		"$(basename "$(readlink -f "/sys/block/$disk/device/driver/module")")" xen_blkfront
	equal "the module's user" "$(basename "$(readlink -f "$driver_dir/$vbd")")" "$vbd"
}

state_is_connected()
{
	cat "$state"
	equal driver "$(state_value driver)" xen-blkfront
	equal phase "$(state_value phase)" connected
	equal usable "$(state_value usable)" 1
	equal disk "$(state_value disk)" "$disk"
	equal sectors "$(state_value sectors)" "$(blockdev --getsz "$TEST_DEV")"
}

# Reads of the disk are requests on our rings.
reads_pass_our_rings()
{
	before=$(state_sum requests)
	dd if="$TEST_DEV" of=/dev/null bs=4k count=64 iflag=direct status=none
	after=$(state_sum requests)
	echo "64 reads of 4 KiB were $((after - before)) requests"
	[ $((after - before)) -ge 64 ] || fail "64 reads were $((after - before)) requests on the rings"
}

ktap_begin
ktap_test "xenfront is the module in updates" module_is_ours xenfront
ktap_test "xen-blkfront is the module in updates" module_is_ours xen-blkfront
ktap_test "xen-blkfront is not the kernel's own" not_the_kernels
ktap_test "the disk's driver is ours" driver_is_ours
ktap_test "the driver says that the disk is connected" state_is_connected
ktap_test "reads pass the driver's rings" reads_pass_our_rings
ktap_end
