#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The driver's memory: an idle disk's, and whether what a load needed is given back.
#
# An idle disk's is measured as what becomes free when it is unbound: MemFree before and after, page cache
# dropped and slab caches shrunk each time, over all of our disks that nobody uses, the median of several
# rounds, divided by the number of disks. Meant for a guest with one vCPU, several disks, and
# max_ring_page_order=4 max_indirect_segments=256.
# TEST_IDLE_KIB (1024): the most an idle disk may cost. TEST_TRIM_SECONDS (150): until memory is back.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_disk
need_writable
need_tools fio
most=${TEST_IDLE_KIB:-1024}
patience=${TEST_TRIM_SECONDS:-150}

idle_vbds=
for bound in $(bound_vbds); do
	disk_used "$(block_of_vbd "$bound")" || idle_vbds="$idle_vbds $bound"
done
at_exit 'for bound in $idle_vbds; do [ -e "$driver_dir/$bound" ] || echo "$bound" > "$driver_dir/bind"; done'

free_kib()
{
	sync
	echo 3 > /proc/sys/vm/drop_caches
	echo 1 > /proc/sys/vm/compact_memory 2> /dev/null || :
	sleep 0.5
	awk '/^MemFree:/ { print $2 }' /proc/meminfo
}

rebind()
{
	for bound in $idle_vbds; do
		echo "$bound" > "$driver_dir/$1"
	done
	[ "$1" = unbind ] && return
	for bound in $idle_vbds; do
		until_true 60 usable "$bound" || fail "$bound did not come back"
	done
	# The partition table has been read, and what that took is free again.
	sleep 1
}

idle_cost()
{
	nr=$(echo $idle_vbds | wc -w)
	echo "disks:$idle_vbds; ring-page-order $(state_value ring-page-order), rings $(state_value rings)," \
		"max-segments $(state_value max-segments), CPUs $(nproc)"
	: > "$ktap_dir/costs"
	# The first round pays for what is allocated once.
	for round in 0 1 2 3 4 5; do
		bound_free=$(free_kib)
		rebind unbind
		unbound_free=$(free_kib)
		rebind bind
		[ $round -eq 0 ] || echo $(((unbound_free - bound_free) / nr)) >> "$ktap_dir/costs"
	done
	echo "KiB for a disk, by round: $(paste -sd ' ' "$ktap_dir/costs")"
	median=$(sort -n "$ktap_dir/costs" | sed -n 3p)
	echo "idle disk: $median KiB"
	[ "$median" -le "$most" ] || fail "an idle disk costs $median KiB, more than $most"
	# What costs less than its tables was not measured.
	[ "$median" -ge 16 ] || fail "an idle disk seems to cost $median KiB: that is no measurement"
}

load()
{
	disk_fio --name=load --ioengine=libaio --rw=randrw --bs=1m --size=32m --iodepth=32 --time_based --runtime=5
}

given_back()
{
	load
	peak=$(state_sum pages)
	echo "pages right after the load: $peak"
	# A reserve of one request for each ring stays.
	enough=$(($(state_value rings) * 16))
	if [ "$peak" -le "$enough" ]; then
		[ "$(state_value bounce)" = 0 ] || fail "the load needed no more than $peak pages"
	fi
	began=$(date +%s)
	while [ "$(state_sum pages)" -gt "$enough" ]; do
		[ $(($(date +%s) - began)) -lt "$patience" ] ||
			fail "$(state_sum pages) pages after $patience s without I/O, more than $enough"
		sleep 3
		echo "$(state_sum pages) pages after $(($(date +%s) - began)) s"
	done
	equal "pages that are not free" "$(state_sum pages)" "$(state_sum free)"
}

# The same load twenty times does not make the driver grow.
no_growth()
{
	load
	first=$(free_kib)
	turn=0
	while [ $turn -lt 20 ]; do
		disk_fio --name=turn --ioengine=libaio --rw=randwrite --bs=64k --size=2m --iodepth=16
		turn=$((turn + 1))
	done
	last=$(free_kib)
	echo "free before $first KiB, after $last KiB"
	[ $((first - last)) -lt 2048 ] || fail "twenty turns have cost $((first - last)) KiB"
}

ktap_begin
ktap_test "an idle disk" idle_cost
ktap_test "memory of a load is given back" given_back
ktap_test "repeated loads do not grow" no_growth
ktap_end
