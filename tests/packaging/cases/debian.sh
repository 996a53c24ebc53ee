#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# quick: bookworm
# long: trixie
# Debian's packages: built, judged, installed, upgraded, removed.

# shellcheck source=../lib.sh
. /src/tests/packaging/lib.sh

kernel=$(kernels | tail -n 1)
image=/boot/initrd.img-$kernel

build()
{
	run /src/packaging/dist deb /root/dist
	equal "the packages" "$(cd /root/dist && ls -- *.deb | tr '\n' ' ')" \
		"xenfront-dkms_${VERSION}_all.deb xenfront_${VERSION}_all.deb "
}

lintian_is_silent()
{
	lintian --allow-root --fail-on warning --tag-display-limit 0 /root/dist/*.changes
}

install_packages()
{
	# First the image that the machine had before, so that only a trigger can make it ours.
	run update-initramfs -c -k "$kernel"
	image_has_kernels "$image" "$kernel"
	run dpkg -i /root/dist/*.deb
	ours_installed "$kernel"
}

image_after_install()
{
	image_has_ours "$image" "$kernel"
}

check_is_content()
{
	xenfront check > /root/check || fail "xenfront check: $(cat /root/check)"
	grep -q "^$kernel	$image: ours, $VERSION; the kernel's own is there" /root/check || fail "$(cat /root/check)"
}

# What the kernel has of ours and the driver needs has to be in the image, too.
check_misses_a_module()
{
	file=/lib/modules/$kernel/updates/dkms/xen-guest.ko
	case $(winner "$kernel" xenfront) in
	*.xz) xz -dc "$(winner "$kernel" xenfront)" > "$file" ;;
	*) cp "$(winner "$kernel" xenfront)" "$file" ;;
	esac
	depmod "$kernel"
	status=0
	xenfront check > /root/check || status=$?
	rm "$file"
	depmod "$kernel"
	equal "the exit status" "$status" 2
	grep -q "NOT xen-guest" /root/check || fail "$(cat /root/check)"
}

# Another build of the library alone: the driver's srcversion is the same.
check_another_library()
{
	file=$(winner "$kernel" xenfront)
	cp "$file" /root/kept
	case $file in
	*.xz) xz -dc /root/kept | sed "s/version=$VERSION/version=9.9.9/" | xz --check=crc32 > "$file" ;;
	*) sed "s/version=$VERSION/version=9.9.9/" /root/kept > "$file" ;;
	esac
	status=0
	xenfront check > /root/check || status=$?
	cp /root/kept "$file"
	equal "the exit status" "$status" 1
	grep -q "xenfront is not the build that is installed" /root/check || fail "$(cat /root/check)"
}

early_comes_before_udev()
{
	folder=$(unpacked "$image")
	order=$(grep -o 'init-top/[^ ]*' "$folder/scripts/init-top/ORDER" | tr '\n' ' ')
	case $order in
	*init-top/00-xenfront*init-top/udev*) ;;
	*) fail "the order is $order" ;;
	esac
}

remove_packages()
{
	run dpkg --purge xenfront-dkms
	kernels_own "$kernel"
	equal "what DKMS knows" "$(dkms status)" ""
}

image_after_removal()
{
	image_has_kernels "$image" "$kernel"
	found=0
	xenfront check > /root/said || found=$?
	equal "the exit status of xenfront check" "$found" 1
	grep "^$kernel	.*: the kernel's own driver$" /root/said || fail "$(cat /root/said)"
}

purge()
{
	# Without an image there is none to be made anew, which takes long.
	run update-initramfs -d -k "$kernel"
	run dpkg --purge xenfront
	equal "what is left" "$(find / -xdev \( -name '*xenfront*' \) ! -path '/src*' ! -path '/root/*' ! -path '/tmp/*' \
		! -path '/proc/*' ! -path '/var/lib/dpkg/*' -print | tr '\n' ' ')" ""
}

ktap_begin
only_kernel "$kernel"
ktap_test build build
ktap_test lintian lintian_is_silent
ktap_test install install_packages
ktap_test image_after_install image_after_install
ktap_test check check_is_content
ktap_test check_misses_a_module check_misses_a_module
ktap_test check_another_library check_another_library
ktap_test early_comes_before_udev early_comes_before_udev
ktap_test remove remove_packages
ktap_test image_after_removal image_after_removal
ktap_test purge purge
ktap_end
