#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# long: bookworm trixie
# make dkms-install and dkms-remove: a version after the other, one that does not build, a new kernel.

# shellcheck source=../lib.sh
. /src/tests/packaging/lib.sh

older=$(kernels | head -n 1)
newer=$(kernels | tail -n 1)

# What the kernels' packages brought, to be compared with what is there in the end.
before()
{
	find "/lib/modules/$older" "/lib/modules/$newer" -name 'xen-*front.ko*' -exec sha256sum {} +
}

install()
{
	run make -C /root/src dkms-install DKMS_KERNEL="$older"
	ours_installed "$older"
	kernels_own "$newer"
}

# knows SIGNER: the kernel has that key, as far as /root/keys says
knows()
{
	echo "0bb6cef0 I------     1 perm 1f030000     0     0 asymmetri $1: 0123456789: X509.rsa 0 []" > /root/keys
}

# Where only signed modules are loaded, the key counts that DKMS signed with: /proc/keys has the kernel's keyrings.
signatures()
{
	mkinitramfs -o "/boot/initrd.img-$older" "$older"
	mountpoint -q /sys || mount -t tmpfs sys /sys
	mkdir -p /sys/module/module/parameters
	echo Y > /sys/module/module/parameters/sig_enforce
	touch /root/keys
	mount --bind /root/keys /proc/keys
	knows Somebody
	/usr/sbin/xenfront check > /root/said || :
	grep "^$older	.*would refuse: the key of .* is not enrolled" /root/said || fail "$(cat /root/said)"
	knows "$(modinfo -F signer "$(winner "$older" xen-blkfront)")"
	/usr/sbin/xenfront check > /root/said || :
	grep "^$older	.*: ours, " /root/said || fail "$(cat /root/said)"
	umount /proc/keys
	rm /sys/module/module/parameters/sig_enforce "/boot/initrd.img-$older"
}

# As the package of a kernel does it when it is installed.
new_kernel()
{
	run /etc/kernel/postinst.d/dkms "$newer"
	ours_installed "$newer"
	ours_installed "$older"
}

# For one that is too old nothing is built (which DKMS 3.0.10 calls a failure of its own).
too_old()
{
	old=5.10.0-1-amd64
	mkdir "/lib/modules/$old"
	ln -s "$(readlink -f "/lib/modules/$older/build")" "/lib/modules/$old/build"
	dkms autoinstall -k "$old" > /tmp/old.log 2>&1 || :
	grep BUILD_EXCLUSIVE /tmp/old.log || fail "$(cat /tmp/old.log)"
	equal "modules for $old" "$(find "/lib/modules/$old/" -name '*.ko*')" ""
	rm -r "/lib/modules/$old"
}

upgrade()
{
	sources 99.0.0
	run make -C /root/src dkms-install DKMS_KERNEL="$older"
	VERSION=99.0.0
	ours_installed "$older"
	# It was installed for this one, too.
	ours_installed "$newer"
	equal "versions that DKMS knows" "$(dkms status | sed 's/,.*//' | sort -u)" xenfront/99.0.0
	equal "sources" "$(cd /usr/src && ls -d xenfront-*)" xenfront-99.0.0
}

# The next kernel comes, and ours do not build for it: what works for the other one stays.
new_kernel_fails()
{
	VERSION=99.0.0
	run dkms remove xenfront/99.0.0 -k "$newer"
	echo '#error broken on purpose' >> /usr/src/xenfront-99.0.0/xenbus/main.c
	refused /etc/kernel/postinst.d/dkms "$newer"
	sed -i '$d' /usr/src/xenfront-99.0.0/xenbus/main.c
	kernels_own "$newer"
	ours_installed "$older"
	# As its owner mends it.
	run /etc/kernel/postinst.d/dkms "$newer"
	ours_installed "$newer"
}

# A version that does not build leaves the one that works.
broken_version()
{
	sources 99.0.1
	echo '#error broken on purpose' >> /root/src/xenbus/main.c
	if make -C /root/src dkms-install DKMS_KERNEL="$older" > /tmp/broken.log 2>&1; then
		fail "it was installed"
	fi
	grep -q "99.0.1 does not build .* nothing was changed" /tmp/broken.log || fail "$(tail -n 5 /tmp/broken.log)"
	grep -q "broken on purpose" /var/log/xenfront-dkms.log || fail "no log of the build"
	equal "versions that DKMS knows" "$(dkms status | sed 's/,.*//' | sort -u)" xenfront/99.0.0
	VERSION=99.0.0
	ours_installed "$older"
	mkinitramfs -o /root/image "$older"
	image_has_ours /root/image "$older"
}

# Modules of two installations would be mixed.
twice()
{
	refused make -C /root/src install KDIR="/lib/modules/$older/build" > /root/said 2>&1
	grep "already, by make dkms-install" /root/said || fail "$(cat /root/said)"
	equal "modules" "$(find "/lib/modules/$older/" -name 'xenfront.ko*' | wc -l)" 1
}

remove()
{
	# From the sources of a version that was never installed: what is there goes all the same.
	sources 99.0.1
	run make -C /root/src dkms-remove
	kernels_own "$older"
	kernels_own "$newer"
	before > /root/after
	diff /root/before /root/after || fail "the kernel's own are not what they were"
	equal "what DKMS knows" "$(dkms status)" ""
	equal "what is left" "$(find /usr /etc /var/lib/dkms -name '*xenfront*' | tr '\n' ' ')" ""
}

# Headers may be gone before ours: what was built says what to remove.
remove_without_headers()
{
	sources
	run make -C /root/src dkms-install DKMS_KERNEL="$older"
	ours_installed "$older"
	mv "/lib/modules/$older/build" /root/build
	run make -C /root/src dkms-remove
	mv /root/build "/lib/modules/$older/build"
	before > /root/after
	diff /root/before /root/after || fail "the kernel's own are not what they were"
	equal "what DKMS knows" "$(dkms status)" ""
	equal "modules that are left" "$(find "/lib/modules/$older" -name 'xenfront*')" ""
}

ktap_begin
sources
before > /root/before
ktap_test install install
ktap_test signatures signatures
ktap_test new_kernel new_kernel
ktap_test too_old too_old
ktap_test upgrade upgrade
ktap_test new_kernel_fails new_kernel_fails
ktap_test broken_version broken_version
ktap_test twice twice
ktap_test remove remove
ktap_test remove_without_headers remove_without_headers
ktap_end
