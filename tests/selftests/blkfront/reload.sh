#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The modules out and in again, TEST_ROUNDS (10) times; only when no disk of theirs is in use.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_disk
rounds=${TEST_ROUNDS:-10}
vbds=$(bound_vbds)
for bound in $vbds; do
	if disk_used "$(block_of_vbd "$bound")"; then
		skip_all "$(block_of_vbd "$bound") is in use, so the driver cannot go"
	fi
done
[ "$(cat /sys/module/xenfront/refcnt)" -eq 1 ] || skip_all "other drivers use xenfront"
at_exit 'modprobe xen-blkfront'
writable=$(cat "/sys/block/$disk/ro")

unload()
{
	for bound in $vbds; do
		echo "$bound" > "$driver_dir/unbind"
	done
	rmmod xen-blkfront
	rmmod xenfront
	[ ! -e "/sys/block/$disk" ] || fail "$disk is still there without its driver"
	[ ! -d /sys/kernel/debug/xenfront ] || fail "/sys/kernel/debug/xenfront is still there"
}

load()
{
	modprobe xen-blkfront
	for bound in $vbds; do
		until_true 60 usable "$bound" || fail "$bound did not come back"
	done
	equal "size of $disk" "$(blockdev --getsize64 "$TEST_DEV")" "$disk_bytes"
}

contents()
{
	dd if="$TEST_DEV" bs=1M count=2 iflag=direct status=none | sha256sum
}

reload()
{
	[ "$writable" = 1 ] || dd if=/dev/urandom of="$TEST_DEV" bs=1M count=2 oflag=direct status=none
	before=$(contents)
	unload
	load
	equal "the contents" "$(contents)" "$before"
}

# Unbound while somebody reads: the reader gets an error or its data, the system goes on.
unbind_under_load()
{
	dd if="$TEST_DEV" of=/dev/null bs=64k iflag=direct status=none 2> /dev/null &
	reader=$!
	sleep 0.3
	echo "$vbd" > "$driver_dir/unbind"
	wait $reader || :
	echo "$vbd" > "$driver_dir/bind"
	until_true 60 usable "$vbd" || fail "$vbd did not come back"
	contents > /dev/null
}

ktap_begin
round=1
while [ $round -le "$rounds" ]; do
	ktap_test "reload $round" reload
	round=$((round + 1))
done
ktap_test "unbind under load" unbind_under_load
ktap_test "reload after that" reload
ktap_end
