#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Discard: limits, and that it takes away what it was told to and nothing else.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_disk
need_writable
need_size 16
need_tools blkdiscard

[ -r "$state" ] || skip_all "$state cannot be read"
if [ "$(state_value discard)" = 0 ]; then
	equal_max=$(cat "$queue/discard_max_bytes")
	ktap_begin
	ktap_test "no discard without the backend's" equal discard_max_bytes "$equal_max" 0
	ktap_end
fi

discard_limits()
{
	granularity=$(cat "$queue/discard_granularity")
	most=$(cat "$queue/discard_max_bytes")
	echo "discard_granularity $granularity, discard_max_bytes $most, alignment $(cat "/sys/block/$disk/discard_alignment")"
	between discard_granularity "$granularity" "$sector" $((1 << 30))
	equal "discard_granularity modulo the sector" $((granularity % sector)) 0
	between discard_max_bytes "$most" "$granularity" $((1 << 32))
	equal "discard_max_bytes modulo the sector" $((most % sector)) 0
	equal discard_max_hw_bytes "$(cat "$queue/discard_max_hw_bytes")" "$most"
}

fill()
{
	disk_fio --name=fill --ioengine=libaio --iodepth=4 --rw=write --bs=256k --size=8m 		--verify=crc32c --do_verify=0
}

sum_of()
{
	dd if="$TEST_DEV" bs=1M skip="$1" count="$2" iflag=direct status=none | sha256sum
}

neighbours_stay()
{
	fill
	before=$(sum_of 0 2)
	behind=$(sum_of 6 2)
	middle=$(sum_of 2 4)
	blkdiscard -f -o 2M -l 4M "$TEST_DEV"
	equal "the two MiB before" "$(sum_of 0 2)" "$before"
	equal "the two MiB behind" "$(sum_of 6 2)" "$behind"
	if [ "$(sum_of 2 4)" = "$middle" ]; then
		# A backend may keep it; whether ours frees blocks is tested from the host.
		echo "the discarded area reads as before"
	fi
}

# After a discard the area is to be used like any other.
write_after_discard()
{
	fill
	blkdiscard -f -o 1M -l 6M "$TEST_DEV"
	disk_fio --name=again --ioengine=libaio --iodepth=16 --rw=randwrite --bs=64k --offset=1m --size=6m 		--verify=crc32c --verify_fatal=1
}

whole_disk()
{
	blkdiscard -f "$TEST_DEV"
	dd if="$TEST_DEV" of=/dev/null bs=1M count=8 iflag=direct status=none
}

small_and_odd()
{
	fill
	before=$(sum_of 0 1)
	blkdiscard -f -o $((1024 * 1024)) -l "$sector" "$TEST_DEV"
	blkdiscard -f -o $((1024 * 1024 + 3 * sector)) -l $((5 * sector)) "$TEST_DEV"
	equal "the first MiB" "$(sum_of 0 1)" "$before"
}

secure_erase()
{
	if [ "$(state_value secure-erase)" = 1 ]; then
		blkdiscard -f -s -o 1M -l 1M "$TEST_DEV"
	else
		refused blkdiscard -f -s -o 1M -l 1M "$TEST_DEV"
	fi
}

# Discards between writes and reads of the same disk.
under_load()
{
	fill
	(
		turn=0
		while [ $turn -lt 20 ]; do
			blkdiscard -f -o 8M -l 4M "$TEST_DEV" || exit 1
			turn=$((turn + 1))
		done
	) &
	discards=$!
	disk_fio --name=load --ioengine=libaio --iodepth=8 --rw=randwrite --bs=4k-64k --size=8m --verify=crc32c 		--verify_fatal=1
	wait $discards
}

ktap_begin
ktap_test "limits" discard_limits
ktap_test "neighbours of a discarded area stay" neighbours_stay
ktap_test "writing after a discard" write_after_discard
ktap_test "single sectors" small_and_odd
ktap_test "the whole disk" whole_disk
ktap_test "under load" under_load
ktap_test "secure erase" secure_erase
ktap_end
