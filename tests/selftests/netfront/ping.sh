#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Pings of every interesting size, IPv4 and IPv6, whole and in fragments; the answer's data is compared.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_interface
need_peer
# What is around: the header, a copied head, a page, the MTU, netback's slots, and the largest datagram.
sizes="0 1 7 15 16 17 31 55 56 63 64 65 100 127 128 129 200 255 256 257 511 512 513 1023 1024 1025 1400 1451 1452 1453
	1471 1472 1473 1999 2048 2943 2960 4047 4048 4049 4053 4054 4055 4095 4096 4097 5000 8191 8192 8193 12287 16384
	20000 32768 40000 50000 65000 65493 65507"

# all_sizes PEER [OPTIONS]
all_sizes()
{
	ping_peer=$1
	shift
	for size in $sizes; do
		ping_once "$size" "$@" || fail "ping of $size bytes to $ping_peer: $(cat "$ktap_dir/ping")"
	done
	echo "$(echo "$sizes" | wc -w) sizes"
}

ipv6()
{
	[ -n "$TEST_PEER6" ] || skip "no TEST_PEER6"
	all_sizes "$TEST_PEER6" -6
}

# Every size around one in which headers and pages end.
each_size()
{
	size=$1
	while [ "$size" -le "$2" ]; do
		ping_once "$size" || fail "ping of $size bytes: $(cat "$ktap_dir/ping")"
		size=$((size + 1))
	done
}

whole_only()
{
	mtu=$(cat "$net/mtu")
	ping_once $((mtu - 28)) -M "do" || fail "a packet of the MTU does not get through: $(cat "$ktap_dir/ping")"
	refused ping_once $((mtu - 27)) -M "do"
}

# How many answers the stack has taken.
answers()
{
	awk '$1 == "Icmp:" && column { print $column; exit }
		$1 == "Icmp:" { for (i = 2; i <= NF; i++) if ($i == "InEchoReps") column = i }' /proc/net/snmp
}

# Not what ping says of losses: what comes while it is not scheduled overflows its socket, which holds some seventy.
flood()
{
	before=$(answers)
	ping -f -q -c 2000 -W 2 -s 1000 -I "$TEST_IF" "$TEST_PEER" > "$ktap_dir/ping" 2>&1 || :
	cat "$ktap_dir/ping"
	until_true 10 came_back $((before + 2000)) || fail "$(($(answers) - before)) of 2000 packets of a flood ping came back"
}

# came_back NUMBER: so many answers there are by now
came_back()
{
	[ "$(answers)" -ge "$1" ]
}

ktap_begin
ktap_test "IPv4, 0 to 65507 bytes" all_sizes "$TEST_PEER"
ktap_test "IPv6" ipv6
ktap_test "every size from 0 to 70" each_size 0 70
ktap_test "every size from 1465 to 1485" each_size 1465 1485
ktap_test "the MTU, and one byte more" whole_only
ktap_test "flood" flood
ktap_end
