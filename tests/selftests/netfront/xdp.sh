#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# XDP in the driver: programs come and go, pass and drop; what cannot be is refused with an error.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_interface
need_peer
need_tools python3
mtu=$(cat "$net/mtu")
at_exit 'ip link set $TEST_IF xdpdrv off 2> /dev/null; ip link set $TEST_IF mtu $mtu'

# attach NAME [NUMBER]: a program of xdp.py, in the driver and not in the stack
attach()
{
	python3 "$here/xdp.py" "$@" "$ktap_dir/xdp.o"
	ip -force link set "$TEST_IF" xdpdrv object "$ktap_dir/xdp.o" section xdp
	ip link show "$TEST_IF" | grep -q 'prog/xdp' || fail "no program is shown after it was attached"
}

detach()
{
	ip link set "$TEST_IF" xdpdrv off
	! ip link show "$TEST_IF" | grep -q 'prog/xdp' || fail "a program is shown after it was detached"
}

passing()
{
	attach pass
	works "with a program that passes"
	ping -f -q -c 500 -s 1400 -I "$TEST_IF" "$TEST_PEER" | grep ' 0% packet loss' || fail "losses with a program that passes"
	detach
	works "without it"
}

dropping()
{
	attach drop
	refused peer_answers
	detach
	works "after a program that drops"
	# What it did not take: ping does not, IPv6 neighbours and ARP do.
	attach drop-proto 1
	refused peer_answers
	arp=$(ip neigh show "$TEST_PEER" dev "$TEST_IF")
	echo "$arp"
	if [ -n "$TEST_PEER6" ]; then
		ping -c 2 -i 0.2 -W 2 -q -6 -I "$TEST_IF" "$TEST_PEER6" || fail "IPv6 is dropped by a program for ICMP of IPv4"
	fi
	detach
	works "after it"
	attach aborted
	refused peer_answers
	detach
	works "after a program that aborts"
}

many_times()
{
	ping -f -q -I "$TEST_IF" -s 1000 "$TEST_PEER" > /dev/null 2>&1 &
	flood=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		attach pass
		# One for another, without a gap.
		attach drop-proto 17
		detach
	done
	kill "$flood" || :
	wait "$flood" || :
	works "after ten times on and off"
}

over_down()
{
	attach pass
	ip link set "$TEST_IF" down
	net_restore
	works "after down and up with a program"
	ip link set "$TEST_IF" down
	detach
	attach pass
	net_restore
	works "with a program that was attached while down"
	detach
}

# A frame larger than a page's room: refused, or it works.
jumbo()
{
	ip link set "$TEST_IF" mtu 9000
	if (attach pass) 2> "$ktap_dir/error"; then
		ping_once 8900 || fail "a program was accepted with MTU 9000, but nothing gets through"
		detach
	else
		echo "MTU 9000 refuses a program: $(cat "$ktap_dir/error")"
		works "after the refusal"
	fi
	ip link set "$TEST_IF" mtu "$mtu"
	attach pass
	ip link set "$TEST_IF" mtu 9000 2> "$ktap_dir/error" || echo "a program refuses MTU 9000: $(cat "$ktap_dir/error")"
	works "with a program and MTU $(cat "$net/mtu")"
	detach
	ip link set "$TEST_IF" mtu "$mtu"
	works "after that"
}

# The stack's own XDP needs nothing of the driver, but packets that are sound.
generic()
{
	python3 "$here/xdp.py" pass "$ktap_dir/xdp.o"
	ip -force link set "$TEST_IF" xdpgeneric object "$ktap_dir/xdp.o" section xdp
	works "with a generic program"
	ip link set "$TEST_IF" xdpgeneric off
	works "without it"
}

if ! (set -e; attach pass) > "$ktap_dir/first" 2>&1; then
	ktap_begin
	ktap_test "a program is attached" fail "$(cat "$ktap_dir/first")"
	ktap_end
fi
ip link set "$TEST_IF" xdpdrv off
ktap_begin
ktap_test "pass" passing
ktap_test "drop, abort" dropping
ktap_test "on and off under traffic" many_times
ktap_test "interface down and up" over_down
ktap_test "jumbo frames" jumbo
ktap_test "generic XDP" generic
ktap_end
