#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# long: bookworm trixie
# dracut's images, generic and for one machine: ours win over the kernel's copies.

# shellcheck source=../lib.sh
. /src/tests/packaging/lib.sh

kernel=$(kernels | tail -n 1)

generic()
{
	run dracut --force --no-hostonly /root/generic "$kernel"
	image_has_ours /root/generic "$kernel"
}

# This machine has no Xen disk, and the image has its driver all the same.
hostonly()
{
	run dracut --force --hostonly /root/hostonly "$kernel"
	image_has_ours /root/hostonly "$kernel"
}

# A user who lists dracut's modules by name, and not ours: the drop-in still names the drivers.
without_our_module()
{
	run dracut --force --no-hostonly --omit xenfront /root/omitted "$kernel"
	image=$(unpacked /root/omitted)
	for name in xen-blkfront xenfront; do
		equal "srcversion of $name" "$(srcversion "$(winner "$kernel" $name "$image")")" \
			"$(srcversion "$(winner "$kernel" $name)")"
	done
}

hook_is_there()
{
	lsinitrd /root/generic | grep -q 'hooks/pre-udev/10-early\.sh$' || fail "no hook before udev"
}

uninstall()
{
	run make -C /root/src uninstall KDIR="/lib/modules/$kernel/build"
	kernels_own "$kernel"
	equal "what is left" "$(find /usr /etc -name '*xenfront*' | tr '\n' ' ')" ""
	[ ! -e "/lib/modules/$kernel/updates/blkfront" ] || fail "the modules' folders are left"
}

ktap_begin
only_kernel "$kernel"
sources
# Not by DKMS, for a change: then ours are in updates/, and the kernel's own where they were.
run make -C /root/src install KDIR="/lib/modules/$kernel/build"
ktap_test generic generic
ktap_test hostonly hostonly
ktap_test without_our_module without_our_module
ktap_test hook hook_is_there
ktap_test uninstall uninstall
ktap_end
