#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# quick: bookworm
# The command xenfront, before a made-up /sys and images made by hand.

# shellcheck source=../lib.sh
. /src/tests/packaging/lib.sh

kernel=$(kernels | head -n 1)
xenfront=/src/packaging/command/xenfront

# device NAME USER DRIVER [MODULE]: one on the bus, as sysfs has it
device()
{
	place=/sys/devices/$1
	mkdir -p "$place/$2" "/sys/bus/xen/drivers/$3" /sys/bus/xen/devices
	ln -sfn "../../bus/xen/drivers/$3" "$place/driver"
	if [ $# -gt 3 ]; then
		mkdir -p "/sys/module/$4"
		echo live > "/sys/module/$4/initstate"
		ln -sfn "../../../../module/$4" "/sys/bus/xen/drivers/$3/module"
	fi
	ln -sfn "../../../devices/$1" "/sys/bus/xen/devices/$1"
}

ours()
{
	mkdir -p /sys/module/xenfront/holders
	ln -sfn "../../$1" "/sys/module/xenfront/holders/$1"
	echo "$VERSION" > "/sys/module/$1/version"
	echo "$VERSION" > /sys/module/xenfront/version
}

# state DEVICE: as debugfs has it, from stdin
state()
{
	mkdir -p "/sys/kernel/debug/xenfront/$1"
	cat > "/sys/kernel/debug/xenfront/$1/state"
}

good_disk()
{
	cat <<-END
	driver: xen-blkfront
	backend: /local/domain/0/backend/vbd/1/51712 (domain 0)
	phase: connected
	usable: 1
	connects: 1
	breaks: 0
	disk: xvda
	queues: 2
	rings: 2
	ring-page-order: 4
	max-segments: 256
	persistent-grants: 1
	bounce: 0
	flush: 1
	barrier: 0
	ring 0: requests 12 notifications 3 interrupts 3 partial 0 pages 8 free 8
	END
}

fresh_sys()
{
	mountpoint -q /sys || mount -t tmpfs sys /sys
	find /sys -mindepth 1 -delete
}

# status_says STATUS PATTERN...: it ends like that, and says all of these
status_says()
{
	expected=$1
	shift
	found=0
	$xenfront status > /root/said 2>&1 || found=$?
	cat /root/said
	equal "the exit status" "$found" "$expected"
	for pattern; do
		grep -q -- "$pattern" /root/said || fail "it does not say \"$pattern\""
	done
}

no_xen()
{
	fresh_sys
	status_says 3 "no Xen bus"
}

all_is_well()
{
	fresh_sys
	device vbd-51712 block/xvda xen-blkfront xen_blkfront
	ours xen_blkfront
	good_disk | state vbd-51712
	status_says 0 "^xenfront $VERSION" "^vbd-51712  xvda  xen_blkfront $VERSION" "persistent-grants" "max-segments 256"
	refused grep -q "  !" /root/said
}

# Not root, or no debugfs.
unreadable()
{
	fresh_sys
	device vbd-51712 block/xvda xen-blkfront xen_blkfront
	ours xen_blkfront
	status_says 3 "^vbd-51712  xvda  xen_blkfront" "can be seen by root only"
}

degraded_disk()
{
	fresh_sys
	device vbd-51712 block/xvda xen-blkfront xen_blkfront
	ours xen_blkfront
	good_disk | sed 's/^rings: 2/rings: 1/; s/^flush: 1/flush: 0/; s/^breaks: 0/breaks: 3/; s/256/11/' | state vbd-51712
	status_says 1 "! 2 queues share 1 rings" "! the backend cannot flush" "nonsense 3 times" "no indirect segments"
}

not_connected()
{
	fresh_sys
	device vbd-51712 block/xvda xen-blkfront xen_blkfront
	ours xen_blkfront
	good_disk | sed 's/^phase: .*/phase: waiting/' | state vbd-51712
	status_says 1 "! not connected: waiting"
}

kernels_own_drivers()
{
	fresh_sys
	device vif-0 net/eth0 vif xen_netfront
	device vkbd-0 input xen-kbdfront
	device vfb-0 graphics/fb0 xen-fbfront xen_fbfront
	rm /sys/module/xen_fbfront/initstate
	status_says 1 "^vif-0  eth0  xen_netfront" "! not ours: the kernel's own module" "^vkbd-0 .*built into the kernel" \
		"^vfb-0  fb0  xen-fbfront, built into the kernel" "xenfront is not loaded"
}

# The build that is loaded is not the one that modprobe would load now.
stale_module()
{
	fresh_sys
	device vbd-51712 block/xvda xen-blkfront xen_blkfront
	ours xen_blkfront
	# modinfo asks for the running kernel's, which here is not the machine's.
	ln -sfn "$kernel" "/lib/modules/$(uname -r)"
	file=$(winner "$kernel" xen-blkfront)
	modinfo -F version "$file" > /sys/module/xen_blkfront/version
	srcversion "$file" > /sys/module/xen_blkfront/srcversion
	good_disk | state vbd-51712
	status_says 0 "^vbd-51712  xvda  xen_blkfront"
	echo 0123456789ABCDEF > /sys/module/xen_blkfront/srcversion
	status_says 1 "! loaded is another build"
	srcversion "$file" > /sys/module/xen_blkfront/srcversion
	echo 9.9.9 > /sys/module/xen_blkfront/version
	status_says 1 "! loaded is another build"
}

nonsense()
{
	for words in "" "nothing" "status now" "--verbose"; do
		found=0
		# shellcheck disable=SC2086
		$xenfront $words > /root/said 2>&1 || found=$?
		equal "the exit status of xenfront $words" "$found" 3
	done
	$xenfront help | grep -q "xenfront check"
}

# image [FILE...]: an initramfs for the kernel with these modules of its
image()
{
	rm -rf /root/image
	mkdir -p "/root/image/usr/lib/modules/$kernel"
	ln -s usr/lib /root/image/lib
	for file; do
		mkdir -p "/root/image/usr${file%/*}"
		cp "$file" "/root/image/usr$file"
	done
	depmod -b /root/image "$kernel" 2> /dev/null
	pack "$kernel"
}

# pack KERNEL: what is in /root/image becomes its initramfs
pack()
{
	( cd /root/image && find . | cpio -o -H newc --quiet | gzip ) > "/boot/initrd.img-$1"
}

# check_says STATUS PATTERN
check_says()
{
	found=0
	$xenfront check > /root/said 2>&1 || found=$?
	cat /root/said
	equal "the exit status" "$found" "$1"
	grep -q -- "$2" /root/said || fail "it does not say \"$2\""
}

check_without_image()
{
	rm -f "/boot/initrd.img-$kernel"
	check_says 2 "^$kernel	no initramfs"
}

check_without_driver()
{
	image
	check_says 2 "NO DRIVER"
}

check_kernels_own()
{
	image "$(winner "$kernel" xen-blkfront)"
	check_says 1 ": the kernel's own driver"
}

check_broken_image()
{
	echo nonsense > "/boot/initrd.img-$kernel"
	check_says 2 "^$kernel	.* cannot be read"
}

# A kernel from before, for which ours were never installed, is no reason not to reboot; the newest one is.
check_older_kernel()
{
	image "$(winner "$kernel" xen-blkfront)"
	ln -s "$kernel" /root/image/usr/lib/modules/99.0
	ln -s "$kernel" /lib/modules/99.0
	pack 99.0
	check_says 1 "^$kernel	.*kernel's own driver; ours are not installed"
	check_says 1 "^99.0	.*kernel's own driver$"
	rm /lib/modules/99.0 /boot/initrd.img-99.0
}

# A loader's configuration or a left-over directory may name a kernel whose image is another one's by now.
check_left_over()
{
	image "$(winner "$kernel" xen-blkfront)"
	mkdir /lib/modules/1.0
	cp "/lib/modules/$kernel/modules.dep" /lib/modules/1.0/
	check_says 1 "^1.0	no initramfs"
	pack 1.0
	check_says 1 "^1.0	.*: it is another kernel's"
	rm -r /lib/modules/1.0 /boot/initrd.img-1.0
}

# Drivers in an archive of their own, before the compressed one.
check_several_archives()
{
	image "$(winner "$kernel" xen-blkfront)"
	(
		cd /root/image || exit
		find . \( -type d -o -name '*.ko*' \) | cpio -o -H newc --quiet
		find . ! -name '*.ko*' | cpio -o -H newc --quiet | gzip
	) > "/boot/initrd.img-$kernel"
	[ -d "$(unpacked "/boot/initrd.img-$kernel")/../early" ] || fail "there is one archive only"
	check_says 1 "^$kernel	.*: the kernel's own driver"
}

check_built_in()
{
	image
	echo kernel/drivers/block/xen-blkfront.ko >> "/lib/modules/$kernel/modules.builtin"
	check_says 1 "built into the kernel"
}

ktap_begin
only_kernel "$kernel"
ktap_test no_xen no_xen
ktap_test all_is_well all_is_well
ktap_test unreadable unreadable
ktap_test degraded_disk degraded_disk
ktap_test not_connected not_connected
ktap_test kernels_own_drivers kernels_own_drivers
ktap_test stale_module stale_module
ktap_test nonsense nonsense
rm -f "/lib/modules/$(uname -r)"
ktap_test check_without_image check_without_image
ktap_test check_without_driver check_without_driver
ktap_test check_kernels_own check_kernels_own
ktap_test check_broken_image check_broken_image
ktap_test check_older_kernel check_older_kernel
ktap_test check_left_over check_left_over
ktap_test check_several_archives check_several_archives
ktap_test check_built_in check_built_in
ktap_end
