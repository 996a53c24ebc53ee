#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# HDIO_GETGEO, and partition tables read from the disk.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_disk
need_writable
need_size 32
need_tools hdparm sfdisk
at_exit 'wipefs -qa "$TEST_DEV"; blockdev --rereadpt "$TEST_DEV"'

geometry()
{
	hdparm -g "$TEST_DEV"
	expected=$((disk_bytes / 512 / (255 * 63)))
	[ $expected -le 65535 ] || expected=65535
	hdparm -g "$TEST_DEV" | grep -q "= *$expected/255/63, sectors = *$((disk_bytes / 512)), start = *0\$" ||
		fail "hdparm -g does not say $expected/255/63, sectors = $((disk_bytes / 512)), start = 0"
}

# check_partition NUMBER START SIZE: in units of 512 bytes
check_partition()
{
	until_true 10 test -b "$TEST_DEV$1" || fail "$TEST_DEV$1 did not appear"
	equal "start of $disk$1" "$(cat "/sys/block/$disk/$disk$1/start")" "$2"
	equal "size of $disk$1" "$(cat "/sys/block/$disk/$disk$1/size")" "$3"
}

table()
{
	sfdisk -q --wipe always "$TEST_DEV" <<-END
		label: $1
		unit: sectors
		start=$((2048 * 512 / sector)), size=$((16384 * 512 / sector))
		start=$((20480 * 512 / sector)), size=$((8192 * 512 / sector))
	END
	blockdev --rereadpt "$TEST_DEV"
	check_partition 1 2048 16384
	check_partition 2 20480 8192
	[ ! -e "/sys/block/$disk/${disk}3" ] || fail "there is a third partition"
}

# What is written to a partition is at its place on the disk.
partition_is_there()
{
	pattern=$(head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \n')
	printf '%-4096s' "$pattern" | dd of="${TEST_DEV}2" bs=4096 conv=fsync status=none
	found=$(dd if="$TEST_DEV" bs=4096 skip=$((20480 / 8)) count=1 iflag=direct status=none | tr -d ' ')
	equal "what is at sector 20480" "$found" "$pattern"
}

gone()
{
	wipefs -qa "$TEST_DEV"
	blockdev --rereadpt "$TEST_DEV"
	until_true 10 test ! -e "/sys/block/$disk/${disk}1" || fail "${disk}1 is still there"
}

busy_partition()
{
	table gpt
	tail -f /dev/null 9< "${TEST_DEV}1" &
	holder=$!
	until_true 10 test -e "/proc/$holder/fd/9"
	refused blockdev --rereadpt "$TEST_DEV"
	kill $holder
	wait $holder || :
	blockdev --rereadpt "$TEST_DEV"
}

ktap_begin
ktap_test "geometry" geometry
ktap_test "DOS partition table" table dos
ktap_test "GPT partition table" table gpt
ktap_test "a partition is at its place" partition_is_there
ktap_test "partitions in use stay" busy_partition
ktap_test "partitions go" gone
ktap_end
