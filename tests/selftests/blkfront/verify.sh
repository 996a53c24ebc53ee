#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# fio writes, reads back and compares: sizes from a sector to 1 MiB, queue depths 1 to 256, several jobs,
# buffers that do not begin at a page. TEST_SIZE (MiB, default 16) is written by each test.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_disk
need_writable
need_tools fio
size=${TEST_SIZE:-16}
need_size $((size * 4))
engine=$(disk_engine)

# Mostly small, some large, and every boundary of a page or a segment somewhere in between.
mixed="$sector/25:$((3 * sector))/5:4096/25:$((4096 + sector))/5:12288/5:65536/20:262144/10:1048576/5"

verified()
{
	name=$1
	shift
	disk_fio --name="$name" --verify=crc32c --verify_fatal=1 --verify_dump=0 "$@"
	equal "breaks of the ring" "$(state_value breaks)" 0
}

mixed_sizes()
{
	verified mixed --ioengine="$engine" --rw=randwrite --bssplit="$mixed" --blockalign="$sector" 		--numjobs=4 --offset_increment="${size}m" --size="$((size / 2))m" --iodepth=32 --serialize_overlap=1
}

depth()
{
	verified "depth$1" --ioengine="$engine" --rw=randwrite --bs="$2" --size="$3" --iodepth="$1" 		--iodepth_batch_submit="$((($1 + 3) / 4))" --iodepth_batch_complete_min=1
}

read_back()
{
	verified read --ioengine="$engine" --rw=randrw --rwmixread=50 --bsrange="$sector"-1m --blockalign="$sector" 		--size="${size}m" --iodepth=16 --serialize_overlap=1
}

# Buffers that begin a sector into a page: no segment ends where a page does.
unaligned_memory()
{
	dma=$(cat "$queue/dma_alignment" 2> /dev/null || echo 511)
	[ "$dma" -lt 4095 ] || skip "the disk wants buffers aligned to $((dma + 1)) bytes"
	verified unaligned --ioengine=libaio --rw=randwrite --bssplit="$mixed" --blockalign="$sector" 		--iomem_align=512 --numjobs=2 --offset_increment="${size}m" --size="$((size / 2))m" --iodepth=16 		--serialize_overlap=1
}

vectored()
{
	verified vectored --ioengine=pvsync2 --rw=randwrite --bsrange="$sector"-256k --blockalign="$sector" 		--size="$((size / 2))m"
}

# Through the page cache: the kernel chooses the sizes.
buffered()
{
	fio --filename="$TEST_DEV" --name=buffered --ioengine=psync --rw=randwrite --bs=4k --size="${size}m" 		--verify=crc32c --verify_fatal=1 --end_fsync=1 --invalidate=1 --minimal --output="$ktap_dir/fio"
	blockdev --flushbufs "$TEST_DEV"
	equal "breaks of the ring" "$(state_value breaks)" 0
}

# The contents written by one kind of I/O are read by another.
across()
{
	verified direct --ioengine="$engine" --rw=write --bs=64k --size="${size}m" --iodepth=8 --do_verify=0
	blockdev --flushbufs "$TEST_DEV"
	fio --filename="$TEST_DEV" --name=direct --ioengine=psync --rw=read --bs=64k --size="${size}m" 		--verify=crc32c --verify_fatal=1 --minimal --output="$ktap_dir/fio"
}

ktap_begin
echo "# $TEST_DEV, $engine, sizes $mixed"
ktap_test "mixed sizes, 4 jobs, depth 32" mixed_sizes
ktap_test "depth 1" depth 1 4k 2m
ktap_test "depth 64, 64 KiB" depth 64 64k "${size}m"
ktap_test "depth 256" depth 256 4k "$((size / 2))m"
ktap_test "depth 64, 1 MiB" depth 64 1m "$((size * 2))m"
ktap_test "reads among writes" read_back
ktap_test "buffers not aligned to pages" unaligned_memory
ktap_test "preadv2 and pwritev2" vectored
ktap_test "through the page cache" buffered
ktap_test "direct writes read through the page cache" across
ktap_end
