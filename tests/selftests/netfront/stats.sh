#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Counters: the interface's, those of its queues, and byte queue limits.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_interface
need_peer

# Counted once and not twice, all that was sent and all that came back.
totals()
{
	for name in rx tx; do
		eval "${name}_packets=$(net_counter ${name}_packets) ${name}_bytes=$(net_counter ${name}_bytes)"
	done
	ping -f -q -c 500 -s 958 -I "$TEST_IF" "$TEST_PEER" > /dev/null
	for name in rx tx; do
		eval "packets=$(($(net_counter ${name}_packets) - ${name}_packets)) bytes=$(($(net_counter ${name}_bytes) - ${name}_bytes))"
		# shellcheck disable=SC2154 # set by the eval
		echo "$name: $packets packets, $bytes bytes"
		between "$name packets" "$packets" 500 600
		# With and without the header of 14 bytes: drivers differ.
		between "$name bytes" "$bytes" $((500 * 986)) $((500 * 1000 + 20000))
	done
}

no_losses()
{
	for name in rx_dropped tx_dropped rx_errors tx_errors tx_carrier_errors collisions; do
		echo "$name $(net_counter $name)"
	done
	equal rx_errors "$(net_counter rx_errors)" 0
	equal tx_errors "$(net_counter tx_errors)" 0
}

# queue_sum DIRECTION: the packets of every queue of `ethtool -S`, added up
queue_sum()
{
	ethtool -S "$TEST_IF" | awk -v way="$1" '
		/[0-9]/ { name = $1; if (name ~ /queue|\[|[rt]x[-_]?[0-9]/ && name ~ way && name ~ /packets:?$/) { sum += $NF; found = 1 } }
		END { if (found) print sum }'
}

queues()
{
	for way in rx tx; do
		sum=$(queue_sum $way)
		[ -n "$sum" ] || lacking "ethtool -S has no $way packets of each queue"
		total=$(net_counter ${way}_packets)
		echo "$way: $sum by queue, $total in all"
		# Something may come in between the two.
		between "$way packets of all queues" "$sum" $((total > 50 ? total - 50 : 0)) $((total + 50))
	done
}

# The same by the kernel's own means, where it has them (6.9 and newer).
kernel_queues()
{
	command -v python3 > /dev/null || skip "no python3 here"
	rc=0
	python3 "$here/netdev.py" queues "$TEST_IF" > "$ktap_dir/queues" || rc=$?
	[ $rc -ne 4 ] || skip "this kernel does not tell about queues"
	[ $rc -eq 0 ] || lacking "the kernel knows no queues of the driver"
	cat "$ktap_dir/queues"
	! grep -q 'napi -' "$ktap_dir/queues" || lacking "a queue does not say which NAPI serves it"
	python3 "$here/netdev.py" qstats "$TEST_IF" > "$ktap_dir/qstats" ||
		lacking "the driver gives the kernel no statistics of its queues"
	cat "$ktap_dir/qstats"
	for way in rx tx; do
		sum=$(awk -v way="$way" '$1 == way { sum += $4 } END { print sum + 0 }' "$ktap_dir/qstats")
		total=$(net_counter ${way}_packets)
		between "$way packets of all queues" "$sum" $((total > 50 ? total - 50 : 0)) $((total + 50))
	done
}

byte_limits()
{
	for queue in "$net"/queues/tx-*; do
		[ -r "$queue/byte_queue_limits/limit" ] || skip "this kernel has no byte queue limits"
	done
	ping -f -q -c 300 -s 60000 -I "$TEST_IF" "$TEST_PEER" > /dev/null || :
	sleep 1
	limits=0
	for queue in "$net"/queues/tx-*; do
		limit=$(cat "$queue/byte_queue_limits/limit")
		echo "${queue##*/}: limit $limit, inflight $(cat "$queue/byte_queue_limits/inflight")"
		equal "bytes in flight of an idle ${queue##*/}" "$(cat "$queue/byte_queue_limits/inflight")" 0
		limits=$((limits + limit))
	done
	[ $limits -gt 0 ] || lacking "no queue has a byte limit after traffic"
}

# Each processor sends by a queue of its own.
steering()
{
	count=$(find "$net/queues" -name 'tx-*' | wc -l)
	[ "$count" -gt 1 ] || skip "one queue"
	all=0
	for queue in "$net"/queues/tx-*; do
		cpus=$((0x$(tr -d , < "$queue/xps_cpus")))
		echo "${queue##*/}: processors $cpus"
		[ $cpus -gt 0 ] || lacking "${queue##*/} is no processor's"
		equal "processors of several queues" $((all & cpus)) 0
		all=$((all | cpus))
	done
}

ktap_begin
ktap_test "packets and bytes" totals
ktap_test "no errors" no_losses
ktap_test "packets of each queue" queues
ktap_test "statistics of the kernel's queues" kernel_queues
ktap_test "byte queue limits" byte_limits
ktap_test "a queue for each processor" steering
ktap_end
