#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# quick: bookworm
# What the initramfs does before udev: which modules it loads, by the kernel's command line.

# shellcheck source=../lib.sh
. /src/tests/packaging/lib.sh

early=/src/packaging/initramfs/early.sh
originals=/usr/lib/xenfront/original

# boot COMMAND LINE: what was loaded, a line each, in /root/loaded
boot()
{
	: > /root/loaded
	echo "$*" > /root/cmdline
	mount --bind /root/cmdline /proc/cmdline
	mount --bind /root/kmsg /dev/kmsg
	status=0
	# As dracut has it, too, which sources it: what comes after it has to be reached.
	PATH=/root/bin:$PATH sh -euc ". $early; echo reached >> /root/loaded" || status=$?
	umount /proc/cmdline /dev/kmsg
	cat /root/loaded
	equal "the status" "$status" 0
}

loaded()
{
	equal "what was loaded" "$(tr '\n' ';' < /root/loaded)" "$1"
}

ordinary()
{
	boot "root=/dev/xvda1 ro quiet"
	loaded "modprobe -q xen-guest;reached;"
}

way_back()
{
	boot "root=/dev/xvda1 module_blacklist=xenfront ro"
	loaded "modprobe -q drm_helper;insmod $originals/xen-blkfront.ko.xz;insmod $originals/xen-netfront.ko;reached;"
	grep -q "the kernel's own drivers instead" /root/kmsg || fail "nothing in the log"
}

among_others()
{
	boot "module_blacklist=floppy,xenfront,xen_guest root=/dev/xvda1"
	grep -q "insmod $originals/xen-blkfront.ko.xz" /root/loaded
	refused grep -q xen-guest /root/loaded
}

# As the kernel has it: the last one counts, and a name is a whole name.
not_meant()
{
	for line in "module_blacklist=xenfront_kbd" "module_blacklist=xenfront module_blacklist=floppy" \
		"xmodule_blacklist=xenfront" "module_blacklist=" ""; do
		boot "$line"
		loaded "modprobe -q xen-guest;reached;"
	done
}

without_originals()
{
	rm -r $originals
	boot "module_blacklist=xenfront"
	loaded "reached;"
}

# A driver that cannot be loaded keeps none of the others away.
a_driver_fails()
{
	echo false >> /root/bin/insmod
	echo false >> /root/bin/modprobe
	boot "module_blacklist=xenfront"
	loaded "modprobe -q drm_helper;insmod $originals/xen-blkfront.ko.xz;insmod $originals/xen-netfront.ko;reached;"
	boot "ro"
	loaded "modprobe -q xen-guest;reached;"
}

ktap_begin
mkdir -p /root/bin $originals
touch /root/kmsg
for program in modprobe insmod; do
	printf '#!/bin/sh\necho "%s $*" >> /root/loaded\n' $program > /root/bin/$program
	chmod +x /root/bin/$program
done
touch $originals/xen-blkfront.ko.xz $originals/xen-netfront.ko
echo drm_helper > $originals/needs
ktap_test ordinary ordinary
ktap_test way_back way_back
ktap_test among_others among_others
ktap_test not_meant not_meant
ktap_test a_driver_fails a_driver_fails
ktap_test without_originals without_originals
ktap_end
