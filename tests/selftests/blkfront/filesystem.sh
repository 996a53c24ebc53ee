#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# ext4 on the disk: a tree copied and compared by checksum, a storm of fsyncs, fstrim, fsck.
# TEST_TREE (default /usr/bin) is what is copied.
here=$(dirname "$0")
# shellcheck source=../lib.sh
. "$(if [ -e "$here/lib.sh" ]; then echo "$here"; else echo "$here/.."; fi)/lib.sh"

need_disk
need_writable
need_size 48
need_tools mkfs.ext4 fio sha256sum fstrim
mnt=$ktap_dir/mnt
mkdir "$mnt"
at_exit 'mountpoint -q "$mnt" && umount "$mnt"; wipefs -qa "$TEST_DEV"'
most=$((disk_bytes / 2048))

make_fs()
{
	mkfs.ext4 -q -F -E nodiscard "$TEST_DEV"
	mount -t ext4 "$TEST_DEV" "$mnt"
}

# As much of the tree as fills half the disk.
copy_tree()
{
	tree=${TEST_TREE:-/usr/bin}
	find "$tree" -xdev -type f -size -2048k -printf '%k %p\n' |
		awk -v most="$most" '{ sum += $1; if (sum > most) exit; sub(/^[0-9]+ /, ""); print }' > "$ktap_dir/list"
	[ -s "$ktap_dir/list" ] || fail "there are no files in $tree"
	tar -C / -cf - -T "$ktap_dir/list" 2> /dev/null | tar -C "$mnt" -xf -
	xargs -d '\n' sha256sum < "$ktap_dir/list" > "$ktap_dir/sums"
	echo "$(wc -l < "$ktap_dir/list") files, $(du -sm "$mnt" | cut -f1) MiB"
}

# From the disk, not from the page cache.
compare_tree()
{
	umount "$mnt"
	blockdev --flushbufs "$TEST_DEV"
	echo 3 > /proc/sys/vm/drop_caches
	mount -t ext4 "$TEST_DEV" "$mnt"
	sed "s|  /|  $mnt/|" "$ktap_dir/sums" > "$ktap_dir/copy-sums"
	sha256sum --quiet -c "$ktap_dir/copy-sums"
}

fsync_storm()
{
	before=$(flushes_of "$disk")
	fio --directory="$mnt" --name=storm --ioengine=psync --rw=randwrite --bs=4k --size=1m --numjobs=4 --fsync=1 		--verify=crc32c --verify_fatal=1 --minimal --output="$ktap_dir/fio"
	after=$(flushes_of "$disk")
	echo "$((after - before)) flushes"
	[ "$(cat "$queue/write_cache")" != "write back" ] || [ "$after" -gt "$before" ] ||
		fail "a thousand fsyncs made no flush"
}

trim()
{
	[ "$(cat "$queue/discard_max_bytes")" -gt 0 ] || skip "the disk has no discard"
	rm -f "$mnt"/storm*
	sync
	fstrim -v "$mnt"
	compare_tree
}

check()
{
	umount "$mnt"
	fsck.ext4 -fn "$TEST_DEV"
}

ktap_begin
ktap_test "mkfs.ext4 and mount" make_fs
ktap_test "copy a tree" copy_tree
ktap_test "compare it after mounting anew" compare_tree
ktap_test "a storm of fsyncs" fsync_storm
ktap_test "fstrim" trim
ktap_test "fsck" check
ktap_end
