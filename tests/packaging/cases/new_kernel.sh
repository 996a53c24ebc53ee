#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# long: bookworm trixie
# A new kernel's package comes, for which ours do not build, and then do; and what docs/packaging.md says helps.

# shellcheck source=../lib.sh
. /src/tests/packaging/lib.sh

older=$(kernels | head -n 1)
newer=$(kernels | tail -n 1)
package=linux-image-$newer

# state: what dpkg thinks of the new kernel's package
state()
{
	dpkg-query -W -f '${db:Status-Abbrev}' "$package"
}

# The machine before: the package of the new kernel has been unpacked and not been configured yet.
before()
{
	run /src/packaging/dist deb /root/dist
	mv "/lib/modules/$newer" /root/newer
	run update-initramfs -c -k "$older"
	run dpkg -i /root/dist/*.deb
	mv /root/newer "/lib/modules/$newer"
	sed -i "/^Package: $package\$/,/^\$/s/^Status: .*/Status: install ok unpacked/" /var/lib/dpkg/status
	# What the package's preinst leaves for its postinst.
	touch "/lib/modules/$newer/.fresh-install"
	equal "state" "$(state)" "iU "
	image_has_ours "/boot/initrd.img-$older" "$older"
	sha256sum "/boot/initrd.img-$older" > /root/image
}

# The kernel of before boots as it did, and the new one, which boots next, has an initramfs with its own drivers.
fails()
{
	echo '#error broken on purpose' >> "/usr/src/xenfront-$VERSION/xenbus/main.c"
	refused dpkg --configure "$package"
	equal "state" "$(state)" "iF "
	run sha256sum -c /root/image
	ours_installed "$older"
	kernels_own "$newer"
	equal "what /initrd.img is" "$(readlink -f /initrd.img)" "/boot/initrd.img-$newer"
	image_has_kernels "/boot/initrd.img-$newer" "$newer"
	found=0
	xenfront check > /root/said || found=$?
	equal "the exit status of xenfront check" "$found" 1
	grep "^$newer	.*: the kernel's own driver$" /root/said || fail "$(cat /root/said)"
}

# With dracut alone.
dracut_only()
{
	rm "/boot/initrd.img-$newer"
	mv /usr/sbin/update-initramfs /root/
	run env DPKG_MAINTSCRIPT_PACKAGE="$package" /etc/kernel/postinst.d/00-xenfront "$newer"
	image_has_kernels "/boot/initrd.img-$newer" "$newer"
	mv /root/update-initramfs /usr/sbin/
}

mended()
{
	sed -i '$d' "/usr/src/xenfront-$VERSION/xenbus/main.c"
	touch "/lib/modules/$newer/.fresh-install"
	run dpkg --configure "$package"
	equal "state" "$(state)" "ii "
	ours_installed "$newer"
	image_has_ours "/boot/initrd.img-$newer" "$newer"
}

# The other way: without ours.
way_out()
{
	run dkms remove "xenfront/$VERSION" -k "$newer"
	rm "/boot/initrd.img-$newer"
	echo '#error broken on purpose' >> "/usr/src/xenfront-$VERSION/xenbus/main.c"
	sed -i "/^Package: $package\$/,/^\$/s/^Status: .*/Status: install ok half-configured/" /var/lib/dpkg/status
	refused dpkg --configure "$package"
	# The release by which this root was made may not be one of apt's.
	run apt-get -qy -o APT::Default-Release= purge xenfront-dkms
	run dpkg --configure -a
	equal "state" "$(state)" "ii "
	image_has_kernels "/boot/initrd.img-$newer" "$newer"
	kernels_own "$older"
}

ktap_begin
ktap_test before before
ktap_test fails fails
ktap_test dracut_only dracut_only
ktap_test mended mended
ktap_test way_out way_out
ktap_end
