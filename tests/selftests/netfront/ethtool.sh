#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# ethtool: what it shows is so, what it sets is set, what cannot be is refused; traffic goes on.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_interface
need_peer

identity()
{
	ethtool -i "$TEST_IF" | tee "$ktap_dir/i"
	grep -q '^driver: ..*' "$ktap_dir/i" || fail "no driver's name"
	equal bus-info "$(sed -n 's/^bus-info: //p' "$ktap_dir/i")" "$vif"
	ethtool "$TEST_IF" | grep -q 'Link detected: yes' || fail "no link"
	permanent=$(ethtool -P "$TEST_IF" | sed 's/.*: //')
	equal "permanent address" "$permanent" "$(cat "$net/address")"
}

feature()
{
	ethtool -k "$TEST_IF" | sed -n "s/^[[:space:]]*$1: //p"
}

# Every offload that can be changed, off and on again.
offloads()
{
	ethtool -k "$TEST_IF" | grep -v fixed | grep -E ': (on|off)' | sed 's/^/shown: /'
	for name in tx-checksumming rx-checksumming scatter-gather tcp-segmentation-offload generic-segmentation-offload \
		generic-receive-offload; do
		before=$(feature $name)
		case $before in
		on|off) ;;
		*) echo "$name: $before"; continue ;;
		esac
		ethtool -K "$TEST_IF" $name off
		case $(feature $name) in
		off*) ;;
		*) fail "$name is $(feature $name) after it was set to off" ;;
		esac
		works "with $name off"
		ethtool -K "$TEST_IF" $name on
		works "with $name on again"
	done
	# Turning checksums off takes what needs them along.
	for name in tx-checksumming scatter-gather tcp-segmentation-offload generic-segmentation-offload; do
		ethtool -K "$TEST_IF" $name on || :
	done
}

# shown OPTION SECTION NAME: a number out of `ethtool -l` or -g; SECTION is maximums or current
shown()
{
	ethtool "$1" "$TEST_IF" 2> /dev/null | awk -v section="$2" -v name="$3" '
		/maximums/ { at = "maximums" } /Current/ { at = "current" }
		index($0, name ":") == 1 && at == section { print $NF }'
}

queues_are()
{
	equal "queues in use" "$(shown -l current Combined)" "$1"
	equal "transmit queues in sysfs" "$(find "$net/queues" -name 'tx-*' | wc -l)" "$1"
	works "with $1 queues"
}

channels()
{
	most=$(shown -l maximums Combined)
	[ -n "$most" ] || lacking "ethtool -l is not supported"
	now=$(shown -l current Combined)
	echo "$now of $most queues"
	between "queues in use" "$now" 1 "$most"
	between "the most queues" "$most" 1 "$(nproc)"
	refused ethtool -L "$TEST_IF" combined 0
	refused ethtool -L "$TEST_IF" combined $((most + 1))
	queues_are "$now"
	number=1
	while [ $number -le "$most" ]; do
		[ "$number" = "$(shown -l current Combined)" ] || ethtool -L "$TEST_IF" combined $number
		queues_are $number
		number=$((number + 1))
	done
	[ "$now" = "$most" ] || ethtool -L "$TEST_IF" combined "$now"
	queues_are "$now"
}

rings()
{
	for ring in RX TX; do
		most=$(shown -g maximums $ring)
		[ -n "$most" ] || lacking "ethtool -g is not supported"
		now=$(shown -g current $ring)
		echo "$ring ring: $now of $most"
		between "the $ring ring's size" "$now" 1 "$most"
	done
	refused ethtool -G "$TEST_IF" rx $(($(shown -g maximums RX) * 2))
	refused ethtool -G "$TEST_IF" tx $(($(shown -g maximums TX) * 2))
	works "after refused ring sizes"
	# Resizing is worth having, not a must: the protocol's ring is one page.
	now=$(shown -g current RX)
	if ethtool -G "$TEST_IF" rx $((now / 2)) 2> /dev/null; then
		equal "RX ring" "$(shown -g current RX)" $((now / 2))
		works "with half an RX ring"
		ethtool -G "$TEST_IF" rx "$now"
		works "with the whole RX ring again"
	else
		echo "the RX ring's size is fixed"
	fi
}

coalesce()
{
	ethtool -c "$TEST_IF" > "$ktap_dir/c" 2>&1 || lacking "ethtool -c is not supported"
	cat "$ktap_dir/c"
	for name in rx-usecs rx-frames tx-usecs tx-frames; do
		now=$(sed -n "s/^$name:[[:space:]]*//p" "$ktap_dir/c")
		case $now in
		''|*[!0-9]*) continue ;;
		esac
		if ethtool -C "$TEST_IF" $name $((now + 8)) 2> /dev/null; then
			equal $name "$(ethtool -c "$TEST_IF" | sed -n "s/^$name:[[:space:]]*//p")" $((now + 8))
			works "with $name $((now + 8))"
			ethtool -C "$TEST_IF" $name "$now"
		else
			echo "$name cannot be set"
		fi
	done
	works "after that"
}

table_queues()
{
	ethtool -x "$TEST_IF" | awk '/^ *[0-9]+:/ { for (i = 2; i <= NF; i++) print $i }' | sort -nu | paste -sd ' ' -
}

receive_hash()
{
	ethtool -x "$TEST_IF" > "$ktap_dir/x" 2>&1 || lacking "ethtool -x is not supported"
	cat "$ktap_dir/x"
	grep -q 'RSS hash key' "$ktap_dir/x" || lacking "no hash key is shown"
	queues=$(shown -l current Combined)
	key=$(sed -n '/RSS hash key/{n;p}' "$ktap_dir/x")
	other=$(echo "$key" | sed 's/^../a5/; s/..$/5a/')
	ethtool -X "$TEST_IF" hkey "$other"
	equal "the hash key" "$(ethtool -x "$TEST_IF" | sed -n '/RSS hash key/{n;p}')" "$other"
	works "with another hash key"
	ethtool -X "$TEST_IF" equal 1
	equal "queues in the table after equal 1" "$(table_queues)" 0
	works "with one queue in the table"
	ethtool -X "$TEST_IF" equal "$queues"
	equal "queues in the table" "$(table_queues)" "$(seq -s ' ' 0 $((queues - 1)))"
	refused ethtool -X "$TEST_IF" equal $((queues + 1))
	ethtool -X "$TEST_IF" hkey "$key"
	works "with the first key and all queues"
	ethtool -n "$TEST_IF" rx-flow-hash tcp4 || lacking "ethtool -n rx-flow-hash is not supported"
}

timestamps()
{
	ethtool -T "$TEST_IF" > "$ktap_dir/T" 2>&1 || lacking "ethtool -T is not supported"
	cat "$ktap_dir/T"
	grep -q 'software-transmit' "$ktap_dir/T" || lacking "no timestamps when a packet is sent"
	grep -q 'software-receive' "$ktap_dir/T" || fail "no timestamps when a packet is received"
}

counters()
{
	ethtool -S "$TEST_IF" > "$ktap_dir/S1" || lacking "ethtool -S is not supported"
	ping -f -q -c 200 -I "$TEST_IF" "$TEST_PEER" > /dev/null
	ethtool -S "$TEST_IF" | tee "$ktap_dir/S2"
	equal "the counters' names" "$(cut -d: -f1 "$ktap_dir/S2")" "$(cut -d: -f1 "$ktap_dir/S1")"
	equal "names that are used twice" "$(cut -d: -f1 "$ktap_dir/S2" | sort | uniq -d)" ""
	paste -d: "$ktap_dir/S1" "$ktap_dir/S2" | awk -F: '$2 + 0 > $4 + 0 { print $1; bad = 1 } END { exit bad }' ||
		fail "a counter has become less"
}

ktap_begin
ktap_test "-i, -P, link" identity
ktap_test "-k, -K: offloads" offloads
ktap_test "-l, -L: queues" channels
ktap_test "-g, -G: rings" rings
ktap_test "-c, -C: coalescing" coalesce
ktap_test "-x, -X: receive hash" receive_hash
ktap_test "-T: timestamps" timestamps
ktap_test "-S: counters" counters
ktap_end
