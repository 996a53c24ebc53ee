#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Is it really this project's driver that serves the interface?
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_interface
need_peer
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

not_the_kernels()
{
	for intree in "/lib/modules/$release/kernel/drivers/net/xen-netfront.ko"*; do
		[ -e "$intree" ] || skip "this kernel has no xen-netfront of its own"
	done
	[ "$(modinfo -F srcversion "$intree")" != "$(cat /sys/module/xen_netfront/srcversion)" ] ||
		fail "what is loaded is the kernel's own $intree"
}

driver_is_ours()
{
	equal "the driver of $TEST_IF" "$(basename "$net_driver")" xen-netfront
	equal "its module" "$(basename "$(readlink -f "$net_driver/module")")" xen_netfront
}

state_is_connected()
{
	cat "$state"
	equal driver "$(sed -n 's/^driver: //p' "$state")" xen-netfront
	equal phase "$(sed -n 's/^phase: //p' "$state")" connected
	equal usable "$(sed -n 's/^usable: //p' "$state")" 1
	equal breaks "$(sed -n 's/^breaks: //p' "$state")" 0
}

# User space knows it by what every Xen guest has had: udev rules and NetworkManager match on these.
looks_like_a_vif()
{
	equal "the device's bus" "$(basename "$(readlink -f "$net/device/subsystem")")" xen
	equal "type of the bus device" "$(cat "$net/device/devtype")" vif
	equal modalias "$(cat "$net/device/modalias")" xen:vif
	equal addr_assign_type "$(cat "$net/addr_assign_type")" 0
	equal carrier "$(cat "$net/carrier")" 1
	modinfo -F alias xen-netfront | grep -qx xen:vif || fail "the module has no alias xen:vif"
}

ktap_begin
ktap_test "xenfront is the module in updates" module_is_ours xenfront
ktap_test "xen-netfront is the module in updates" module_is_ours xen-netfront
ktap_test "xen-netfront is not the kernel's own" not_the_kernels
ktap_test "the interface's driver is ours" driver_is_ours
ktap_test "the driver says that it is connected" state_is_connected
ktap_test "the interface looks as user space expects" looks_like_a_vif
ktap_test "the peer answers" works "at all"
ktap_end
