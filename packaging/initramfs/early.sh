#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# In the initramfs, before or while udev finds the devices.  Only what a shell has built in: some images
# have little else.  dracut sources it, so that it must not exit; and nothing that fails here may end the boot.
#
# module_blacklist=xenfront on the kernel's command line is the way back: the kernel then refuses our
# library, without which none of our drivers can be loaded, here or later.  modprobe would still find
# nothing but ours, so the kernel's own are loaded here, by file.  Their names are those of ours, and what
# is loaded is not loaded again.

xenfront_early()
{
	refused=
	read -r cmdline < /proc/cmdline || :
	for word in $cmdline; do
		case $word in
		module_blacklist=*) refused=${word#*=} ;;
		esac
	done

	case ",$refused," in
	*,xenfront,*)
		if [ -f /usr/lib/xenfront/original/needs ]; then
			while read -r module; do
				modprobe -q "$module" || :
			done < /usr/lib/xenfront/original/needs
		fi
		for module in /usr/lib/xenfront/original/*.ko*; do
			[ ! -f "$module" ] || insmod "$module" || :
		done
		echo "xenfront: refused by module_blacklist: the kernel's own drivers instead" > /dev/kmsg
		;;
	*)
		# On a kernel without Xen support it brings the bus, and has to unplug the emulated
		# disks before their drivers see them.
		modprobe -q xen-guest || :
		;;
	esac
	return 0
}

xenfront_early
