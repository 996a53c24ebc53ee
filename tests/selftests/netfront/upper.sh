#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What is put on top of the interface: bridge, bond, macvlan, VLAN, netconsole. Its addresses move there for a while.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_interface
need_peer
at_exit 'for above in xft-br xft-bond xft-macvlan xft-vlan; do ip link del $above 2> /dev/null; done; ip link set $TEST_IF nomaster
	ip link set $TEST_IF promisc off; net_restore'

have()
{
	modprobe -q "$1" 2> /dev/null || [ -d "/sys/module/$(echo "$1" | tr - _)" ] || skip "this kernel has no $1"
}

# above NAME: the addresses move from the interface to NAME, and the peer answers there
above()
{
	ip link set "$1" up
	ip addr flush dev "$TEST_IF" scope global
	while read -r one; do
		case $one in
		*:*) ip addr add "$one" dev "$1" nodad ;;
		*) ip addr add "$one" dev "$1" ;;
		esac
	done < "$ktap_dir/addresses"
	below=$TEST_IF
	TEST_IF=$1
	works "through $1"
	ping -f -q -c 200 -s 1400 -I "$1" "$TEST_PEER" | grep ' 0% packet loss' || fail "losses through $1"
	TEST_IF=$below
	ip link del "$1"
	net_restore
	works "after $1 is gone"
}

bridge()
{
	have bridge
	ip link add xft-br type bridge
	ip link set "$TEST_IF" master xft-br
	ip link set xft-br address "$(cat "$net/address")"
	above xft-br
}

bond()
{
	have bonding
	ip link add xft-bond type bond mode active-backup miimon 100
	ip link set "$TEST_IF" down
	ip link set "$TEST_IF" master xft-bond
	above xft-bond
}

macvlan()
{
	have macvlan
	ip link add link "$TEST_IF" xft-macvlan type macvlan mode bridge
	[ "$(cat /sys/class/net/xft-macvlan/address)" != "$(cat "$net/address")" ] || fail "the same address"
	above xft-macvlan
}

# The peer has no such VLAN: what leaves has the tag, and whole packets of the MTU fit.
vlan()
{
	have 8021q
	ip link add link "$TEST_IF" xft-vlan type vlan id 77
	equal "MTU of the VLAN" "$(cat /sys/class/net/xft-vlan/mtu)" "$(cat "$net/mtu")"
	ip link set xft-vlan up
	ip addr add 192.0.2.1/24 dev xft-vlan
	packets=$(net_counter tx_packets)
	ping -c 3 -i 0.2 -W 1 -q 192.0.2.2 > /dev/null || :
	[ "$(net_counter tx_packets)" -gt "$packets" ] || fail "nothing is sent for the VLAN"
	ip link del xft-vlan
	works "without the VLAN"
}

# Kernel messages leave while nothing may sleep and interrupts may be off.
netconsole()
{
	have netconsole
	[ -d /sys/kernel/config ] || skip "no configfs"
	mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
	target=/sys/kernel/config/netconsole/xft
	mkdir "$target" || skip "no targets of netconsole can be made"
	echo "$TEST_IF" > $target/dev_name
	echo "$TEST_PEER" > $target/remote_ip
	echo "$(ip -4 -o addr show dev "$TEST_IF" | awk '{ sub("/.*", "", $4); print $4; exit }')" > $target/local_ip
	echo 1 > $target/enabled
	packets=$(net_counter tx_packets)
	turn=0
	while [ $turn -lt 300 ]; do
		echo "netconsole test line $turn" > /dev/kmsg
		turn=$((turn + 1))
	done
	sleep 1
	sent=$(($(net_counter tx_packets) - packets))
	echo 0 > $target/enabled
	rmdir "$target"
	echo "$sent packets for 300 lines"
	[ "$sent" -ge 300 ] || fail "300 lines were $sent packets"
	works "after netconsole"
}

ktap_begin
ktap_test bridge bridge
ktap_test bond bond
ktap_test macvlan macvlan
ktap_test VLAN vlan
ktap_test netconsole netconsole
ktap_end
