#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The driver let go of and taken again, and the modules out and in, TEST_ROUNDS (10) times; no memory is lost.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_interface
need_peer
rounds=${TEST_ROUNDS:-10}
at_exit 'modprobe -q xen-netfront; back'

interface_of_vif()
{
	ls "/sys/bus/xen/devices/$vif/net" 2> /dev/null
}

# The interface is a new one after this, perhaps with another name.
back()
{
	[ -e "/sys/bus/xen/devices/$vif/driver" ] || echo "$vif" > "$net_driver/bind"
	until_true 60 interface_of_vif > /dev/null || fail "$vif has no interface again"
	now=$(interface_of_vif)
	if [ "$now" != "$TEST_IF" ]; then
		ip link set "$now" down
		ip link set "$now" name "$TEST_IF"
	fi
	net_restore
}

free_kib()
{
	sync
	echo 3 > /proc/sys/vm/drop_caches
	echo 1 > /proc/sys/vm/compact_memory 2> /dev/null || :
	sleep 1
	awk '/^MemFree:/ { print $2 }' /proc/meminfo
}

rebind()
{
	ping -f -q -I "$TEST_IF" -s 8000 "$TEST_PEER" > /dev/null 2>&1 &
	flood=$!
	sleep 0.2
	echo "$vif" > "$net_driver/unbind"
	kill "$flood" 2> /dev/null || :
	wait "$flood" || :
	[ ! -e "$net" ] || fail "$TEST_IF is still there without its driver"
	back
	works "after unbind and bind"
}

reload()
{
	for bound in "$net_driver"/vif-*; do
		[ ! -e "$bound" ] || echo "${bound##*/}" > "$net_driver/unbind"
	done
	rmmod xen-netfront
	[ ! -e "$net" ] || fail "$TEST_IF is still there without its driver"
	modprobe xen-netfront
	back
	works "after rmmod and modprobe"
}

# What the first rounds took may stay; what every round takes is a leak. A queue's receive buffers are a MiB.
no_leak()
{
	: > "$ktap_dir/free"
	for _ in 1 2 3 4; do
		for _ in 1 2 3 4 5 6 7 8; do
			echo "$vif" > "$net_driver/unbind"
			back
			until_true 20 peer_answers
		done
		free_kib >> "$ktap_dir/free"
		grep -c . /proc/interrupts >> "$ktap_dir/irqs"
	done
	echo "free after 8, 16, 24, 32 rounds: $(paste -sd ' ' "$ktap_dir/free") KiB; lines of interrupts: $(paste -sd ' ' "$ktap_dir/irqs")"
	equal "interrupts after 32 rounds" "$(tail -1 "$ktap_dir/irqs")" "$(head -1 "$ktap_dir/irqs")"
	least=$(awk 'NR > 1 { used = last - $1; if (NR == 2 || used < least) least = used } { last = $1 } END { print least }' \
		"$ktap_dir/free")
	[ "$least" -lt 400 ] || fail "every eight rounds cost at least $least KiB"
}

ktap_begin
round=1
while [ $round -le "$rounds" ]; do
	ktap_test "unbind under traffic $round" rebind
	ktap_test "reload $round" reload
	round=$((round + 1))
done
ktap_test "no memory is lost" no_leak
ktap_end
