#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The write cache as the backend announced it, and flushes where users ask for them.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_disk
need_writable

cache=$(cat "$queue/write_cache")

cache_as_announced()
{
	if [ "$(state_value flush)" = 1 ] || [ "$(state_value barrier)" = 1 ]; then
		equal write_cache "$cache" "write back"
	else
		equal write_cache "$cache" "write through"
	fi
	# A barrier is FUA only where the backend has no flush of its own.
	if [ "$(state_value barrier)" = 1 ] && [ "$(state_value flush)" = 0 ]; then
		equal fua "$(cat "$queue/fua")" 1
	else
		equal fua "$(cat "$queue/fua")" 0
	fi
}

# fio leaves the sync behind the last write to the end of the job, which is not asked for here.
fsync_flushes()
{
	before=$(flushes_of "$disk")
	disk_fio --name=sync --ioengine=psync --rw=write --bs=4k --size=80k --fsync=1
	after=$(flushes_of "$disk")
	echo "$((after - before)) flushes for 20 writes with an fsync between them (write cache: $cache)"
	if [ "$cache" = "write back" ]; then
		[ $((after - before)) -ge 19 ] || fail "19 fsyncs made $((after - before)) flushes"
	else
		equal "flushes to a disk without a cache" $((after - before)) 0
	fi
}

# O_DSYNC writes carry FUA, or a flush instead.
dsync_writes()
{
	before=$(flushes_of "$disk")
	dd if=/dev/zero of="$TEST_DEV" bs=4k count=20 oflag=direct,dsync status=none
	after=$(flushes_of "$disk")
	echo "$((after - before)) flushes for 20 O_DSYNC writes"
	if [ "$cache" = "write back" ] && [ "$(cat "$queue/fua")" = 0 ]; then
		[ $((after - before)) -ge 20 ] || fail "20 O_DSYNC writes made $((after - before)) flushes"
	fi
}

# The block layer lets an administrator lie about the cache; then there are no flushes.
cache_turned_off()
{
	[ "$cache" = "write back" ] || skip "the disk has no write cache"
	echo "write through" > "$queue/write_cache"
	before=$(flushes_of "$disk")
	disk_fio --name=sync --ioengine=psync --rw=write --bs=4k --size=20k --fsync=1
	after=$(flushes_of "$disk")
	echo "write back" > "$queue/write_cache"
	equal "flushes with the cache declared off" $((after - before)) 0
}

ktap_begin
ktap_test "write cache and FUA as announced" cache_as_announced
ktap_test "fsync is a flush" fsync_flushes
ktap_test "O_DSYNC writes" dsync_writes
ktap_test "a cache declared off" cache_turned_off
ktap_end
