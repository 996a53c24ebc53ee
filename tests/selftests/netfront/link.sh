#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The interface up and down; MTU; Ethernet address; promiscuous; multicast.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_interface
need_peer
mtu=$(cat "$net/mtu")
address=$(cat "$net/address")
at_exit 'ip link set $TEST_IF mtu $mtu; ip link set $TEST_IF down; ip link set $TEST_IF address $address; net_restore'

down_and_up()
{
	ip link set "$TEST_IF" down
	equal operstate "$(cat "$net/operstate")" down
	refused peer_answers
	net_restore
	until_true 5 grep -qx up "$net/operstate" || fail "operstate is $(cat "$net/operstate") when up"
	equal carrier "$(cat "$net/carrier")" 1
	works "after down and up"
}

# Up and down again before anything could settle, with packets on the way.
flaps()
{
	ping -f -q -I "$TEST_IF" -s 1400 "$TEST_PEER" > /dev/null 2>&1 &
	flood=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		ip link set "$TEST_IF" down
		ip link set "$TEST_IF" up
	done
	kill "$flood" 2> /dev/null || :
	wait "$flood" || :
	net_restore
	works "after twenty times down and up"
}

limits_of()
{
	ip -d link show "$TEST_IF" | sed -n "s/.* $1 \([0-9]*\).*/\1/p"
}

mtus()
{
	least=$(limits_of minmtu)
	most=$(limits_of maxmtu)
	echo "MTU from $least to $most"
	between "the least MTU" "$least" 60 1280
	between "the largest MTU" "$most" 1500 65535
	refused ip link set "$TEST_IF" mtu $((least - 1))
	refused ip link set "$TEST_IF" mtu $((most + 1))
	equal "mtu after refusals" "$(cat "$net/mtu")" "$mtu"
	# An MTU below 1280 takes the IPv6 addresses away.
	for wanted in 576 1280 1281 1492 1500 2000 4000 4096 9000 16000 $most 1500; do
		[ "$wanted" -le "$most" ] || continue
		ip link set "$TEST_IF" mtu "$wanted"
		equal mtu "$(cat "$net/mtu")" "$wanted"
		works "with MTU $wanted"
		ping_once $((wanted > 65535 ? 65507 : wanted - 28)) || fail "ping of a whole MTU of $wanted: $(cat "$ktap_dir/ping")"
	done
	ip link set "$TEST_IF" mtu "$mtu"
	net_restore
}

new_address()
{
	for other in 02:16:3e:01:02:03 "$address"; do
		ip link set "$TEST_IF" down
		ip link set "$TEST_IF" address "$other"
		net_restore
		equal address "$(cat "$net/address")" "$other"
		works "with address $other"
	done
	for wrong in 01:00:5e:00:00:01 00:00:00:00:00:00 ff:ff:ff:ff:ff:ff; do
		refused ip link set "$TEST_IF" address "$wrong"
	done
	equal "the address after refusals" "$(cat "$net/address")" "$address"
}

modes()
{
	for mode in promisc allmulticast; do
		ip link set "$TEST_IF" "$mode" on
		works "with $mode on"
		ip link set "$TEST_IF" "$mode" off
		works "with $mode off"
	done
}

multicast()
{
	turn=0
	while [ $turn -lt 100 ]; do
		ip maddr add "$(printf '33:33:00:07:00:%02x' $turn)" dev "$TEST_IF"
		turn=$((turn + 1))
	done
	equal "addresses joined" "$(ip maddr show dev "$TEST_IF" | grep -c 33:33:00:07:00)" 100
	works "with a hundred multicast addresses"
	while [ $turn -gt 0 ]; do
		turn=$((turn - 1))
		ip maddr del "$(printf '33:33:00:07:00:%02x' $turn)" dev "$TEST_IF"
	done
	works "without them"
}

ktap_begin
ktap_test "down and up" down_and_up
ktap_test "flaps under traffic" flaps
ktap_test "MTU" mtus
ktap_test "Ethernet address" new_address
ktap_test "promiscuous, all multicast" modes
ktap_test "multicast addresses" multicast
ktap_end
