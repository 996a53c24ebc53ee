#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# long: bookworm
# kernel: noxen
# Debian's packages on a kernel that was built without Xen support.

# shellcheck source=../lib.sh
. /src/tests/packaging/lib.sh

kernel=$(ls /kernel/lib/modules)
image=/boot/initrd.img-$kernel
# All that there are: no driver of that kernel's is in the way of a name.
OURS="xenfront xen-blkfront xen-netfront xen-console xen-kbdfront xen-fbfront xen-guest xenfs"

# That kernel as its maker installs it, and its tree for those who build modules.
machine()
{
	only_kernel "$kernel"
	cp -a "/kernel/lib/modules/$kernel" /lib/modules/
	ln -s /kernel/tree "/lib/modules/$kernel/build"
	cp /kernel/vmlinuz "/boot/vmlinuz-$kernel"
	cp /kernel/tree/.config "/boot/config-$kernel"
	depmod "$kernel"
	update-initramfs -c -k "$kernel" > /tmp/machine.log 2>&1
}

install_packages()
{
	run /src/packaging/dist deb /root/dist
	run dpkg -i /root/dist/*.deb
	for name in $OURS; do
		case $(winner "$kernel" "$name") in
		/lib/modules/"$kernel"/updates/*) ;;
		*) fail "$name is \"$(winner "$kernel" "$name")\"" ;;
		esac
	done
	equal "what is installed" "$(find "/lib/modules/$kernel/updates" -name '*.ko*' | wc -l)" "$(echo "$OURS" | wc -w)"
}

# has_ours IMAGE: all of ours, and what loads the guest core before udev finds the emulated disks
has_ours()
{
	folder=$(unpacked "$1")
	for name in $OURS; do
		equal "srcversion of $name" "$(srcversion "$(winner "$kernel" "$name" "$folder")")" \
			"$(srcversion "$(winner "$kernel" "$name")")"
	done
	find "$folder" -path '*/init-top/00-xenfront' -o -path '*/hooks/pre-udev/*-early.sh' | grep -q . || fail "nothing loads xen-guest early"
	# Who loads their drivers by name gets ours before.
	for name in ata_piix 8139cp e1000; do
		grep -qs "^softdep $name pre: xen-guest" "$folder"/etc/modprobe.d/xenfront.conf "$folder"/usr/lib/modprobe.d/xenfront.conf ||
			fail "nothing puts xen-guest before $name"
	done
	rm -rf "$folder"
}

check_is_content()
{
	xenfront check > /root/check || fail "xenfront check: $(cat /root/check)"
	grep -q "^$kernel	$image: ours, $VERSION" /root/check || fail "$(cat /root/check)"
}

by_dracut()
{
	run dracut --force --no-hostonly /root/dracut.img "$kernel"
	has_ours /root/dracut.img
}

remove_packages()
{
	run dpkg --purge xenfront-dkms xenfront
	equal "what is left" "$(find "/lib/modules/$kernel/" -name 'xen*')" ""
	folder=$(unpacked "$image")
	equal "what is left in the image" "$(find "$folder" -name 'xen*.ko*' -o -name '*xenfront*')" ""
}

ktap_begin
machine
ktap_test install install_packages
ktap_test initramfs_tools has_ours "$image"
ktap_test check check_is_content
ktap_test dracut by_dracut
ktap_test remove remove_packages
ktap_end
