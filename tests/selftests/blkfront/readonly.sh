#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# BLKROSET, and a disk that is read-only from the start.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_disk

write_block()
{
	dd if=/dev/zero of="$TEST_DEV" bs=4096 count=1 oflag=direct conv=notrunc status=none
}

read_only_refuses()
{
	before=$(dd if="$TEST_DEV" bs=4096 count=1 iflag=direct status=none | sha256sum)
	refused write_block
	refused blkdiscard -f "$TEST_DEV"
	equal "the contents" "$(dd if="$TEST_DEV" bs=4096 count=1 iflag=direct status=none | sha256sum)" "$before"
}

set_read_only()
{
	[ "$(state_value read-only)" = 0 ] || skip "the disk is read-only"
	blockdev --setro "$TEST_DEV"
	equal "blockdev --getro" "$(blockdev --getro "$TEST_DEV")" 1
	read_only_refuses
	blockdev --setrw "$TEST_DEV"
	equal "blockdev --getro" "$(blockdev --getro "$TEST_DEV")" 0
	write_block
}

# Only the host can make writable what it gave away read-only.
given_read_only()
{
	[ "$(state_value read-only)" = 1 ] || skip "the disk is writable"
	equal "blockdev --getro" "$(blockdev --getro "$TEST_DEV")" 1
	read_only_refuses
	refused blockdev --setrw "$TEST_DEV"
	equal "blockdev --getro" "$(blockdev --getro "$TEST_DEV")" 1
	refused write_block
}

ktap_begin
ktap_test "a writable disk made read-only and back" set_read_only
ktap_test "a disk that the host gave read-only" given_read_only
ktap_end
