#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Verified I/O while there is next to no memory: it may get slow, it must not fail or stop.
# TEST_LEFT (MiB, default 48) is what the hog leaves available.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_disk
need_writable
need_size 48
need_tools fio
left=${TEST_LEFT:-48}
hog=$ktap_dir/hog
mkdir "$hog"
at_exit 'umount "$hog" 2> /dev/null'
engine=$(disk_engine)
# Who is chosen when memory runs out must not be the test.
echo -800 > /proc/self/oom_score_adj

available()
{
	awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo
}

fill_memory()
{
	echo 3 > /proc/sys/vm/drop_caches
	mountpoint -q "$hog" || mount -t tmpfs -o size=100% tmpfs "$hog"
	piece=0
	while [ "$(available)" -gt "$1" ]; do
		head -c 1M /dev/zero > "$hog/$piece"
		piece=$((piece + 1))
		[ $piece -lt 65536 ] || fail "memory does not get less"
	done
	echo "$(available) MiB available"
}

direct()
{
	disk_fio --name=direct --ioengine="$engine" --rw=randwrite --bssplit=4k/50:64k/40:256k/10 --size=16m 		--iodepth=16 --verify=crc32c --verify_fatal=1 --serialize_overlap=1
	equal "breaks of the ring" "$(state_value breaks)" 0
}

# Memory can only be had by writing to this very disk.
writeback()
{
	round=0
	while [ $round -lt 3 ]; do
		dd if=/dev/zero of="$TEST_DEV" bs=256k count=160 conv=fsync,notrunc status=none
		round=$((round + 1))
	done
}

# Rings and pools are made anew while memory is short.
connect_when_short()
{
	echo "$vbd" > "$driver_dir/unbind"
	echo "$vbd" > "$driver_dir/bind"
	until_true 60 usable "$vbd" || fail "$vbd did not come back"
	direct
}

swap()
{
	mkswap -f "$TEST_DEV" > /dev/null
	swapon "$TEST_DEV"
	# Twice what is left goes out to the disk and comes back.
	python3 -c '
import sys
size = int(sys.argv[1]) << 20
block = bytearray(size)
for at in range(0, size, 4096):
    block[at:at + 8] = at.to_bytes(8, "little")
for at in range(0, size, 4096):
    if int.from_bytes(block[at:at + 8], "little") != at:
        sys.exit("a page came back changed at %#x" % at)
' $((left * 2)) || { swapoff "$TEST_DEV"; fail "swapping changed or failed something"; }
	swapped=$(awk '$1 == "pswpout" { print $2 }' /proc/vmstat)
	swapoff "$TEST_DEV"
	[ "$swapped" -gt 0 ] || fail "nothing was swapped"
	echo "$swapped pages were swapped out"
}

ktap_begin
ktap_test "fill memory up to $left MiB" fill_memory "$left"
ktap_test "direct I/O" direct
ktap_test "write-back" writeback
ktap_test "unbind and bind" connect_when_short
ktap_test "swap to the disk" swap
ktap_end
