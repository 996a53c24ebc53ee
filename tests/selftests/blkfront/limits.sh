#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What the block layer was told about the disk makes sense, and agrees with what was negotiated.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_disk

limit()
{
	cat "$queue/$1"
}

power_of_two()
{
	[ "$2" -gt 0 ] && [ $(($2 & ($2 - 1))) -eq 0 ] || fail "$1 is $2, not a power of two"
}

block_sizes()
{
	logical=$(limit logical_block_size)
	physical=$(limit physical_block_size)
	echo "logical $logical, physical $physical"
	power_of_two logical_block_size "$logical"
	power_of_two physical_block_size "$physical"
	between logical_block_size "$logical" 512 4096
	between physical_block_size "$physical" "$logical" $((1 << 30))
	equal logical-sector-size "$(state_value logical-sector-size)" "$logical"
	equal "blockdev --getss" "$(blockdev --getss "$TEST_DEV")" "$logical"
	equal "blockdev --getpbsz" "$(blockdev --getpbsz "$TEST_DEV")" "$physical"
}

sizes_agree()
{
	sectors=$(cat "/sys/block/$disk/size")
	equal "blockdev --getsz" "$(blockdev --getsz "$TEST_DEV")" "$sectors"
	equal "blockdev --getsize64" "$(blockdev --getsize64 "$TEST_DEV")" $((sectors * 512))
}

# Not larger than the negotiated segments, and not needlessly smaller.
request_size()
{
	segments=$(state_value max-segments)
	echo "max-segments $segments, max_hw_sectors_kb $(limit max_hw_sectors_kb), max_segments $(limit max_segments)"
	equal max_hw_sectors_kb "$(limit max_hw_sectors_kb)" $((segments * 4))
	between max_segments "$(limit max_segments)" 1 "$segments"
	between max_sectors_kb "$(limit max_sectors_kb)" 4 $((segments * 4))
}

queue_depth()
{
	between nr_requests "$(limit nr_requests)" 1 65536
	echo "scheduler $(limit scheduler), nr_requests $(limit nr_requests)"
}

# Reads just inside the end work, reads across it do not.
end_of_disk()
{
	blocks=$((disk_bytes / sector))
	dd if="$TEST_DEV" of=/dev/null bs="$sector" skip=$((blocks - 1)) count=1 iflag=direct status=none
	copied=$(dd if="$TEST_DEV" bs="$sector" skip=$((blocks - 1)) count=4 iflag=direct status=none | wc -c)
	equal "bytes read across the end" "$copied" "$sector"
	[ "$(cat "/sys/block/$disk/ro")" = 0 ] || return 0
	refused dd if=/dev/zero of="$TEST_DEV" bs="$sector" seek="$blocks" count=1 oflag=direct status=none
}

# One hardware queue for each ring, every CPU in exactly one of them.
queues()
{
	found=$(ls "/sys/block/$disk/mq" | wc -l)
	equal "hardware queues" "$found" "$(state_value queues)"
	between rings "$(state_value rings)" 1 "$found"
	cpus=$(cat "/sys/block/$disk/mq/"*/cpu_list | tr -d ' ' | tr ',' '\n' | sort -n | uniq)
	for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
		echo "$cpus" | grep -qx "${cpu##*cpu}" || fail "no queue serves ${cpu##*/}"
	done
}

ktap_begin
ktap_test "block sizes" block_sizes
ktap_test "sizes agree" sizes_agree
ktap_test "request size" request_size
ktap_test "queue depth" queue_depth
ktap_test "the end of the disk" end_of_disk
ktap_test "hardware queues" queues
ktap_end
