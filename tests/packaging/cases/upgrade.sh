#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# long: bookworm trixie
# Debian's packages of one version after another, the last of which does not build.

# shellcheck source=../lib.sh
. /src/tests/packaging/lib.sh

kernel=$(kernels | tail -n 1)
image=/boot/initrd.img-$kernel

# packages VERSION: built from the sources as they are then, in /root/VERSION
packages()
{
	run /root/src/packaging/dist deb "/root/$1"
}

install()
{
	sources 99.0.0
	packages 99.0.0
	run update-initramfs -c -k "$kernel"
	run dpkg -i /root/99.0.0/*.deb
	VERSION=99.0.0
	ours_installed "$kernel"
	image_has_ours "$image" "$kernel"
}

upgrade()
{
	sources 99.0.1
	packages 99.0.1
	run dpkg -i /root/99.0.1/*.deb
	VERSION=99.0.1
	ours_installed "$kernel"
	image_has_ours "$image" "$kernel"
	equal "what DKMS knows" "$(dkms status | sed 's/,.*//' | sort -u)" xenfront/99.0.1
	xenfront check || fail "xenfront check is not content"
}

# dpkg says so, and the machine boots from the kernel's own: the old version is gone by then.
broken_upgrade()
{
	sources 99.0.2
	echo '#error broken on purpose' >> /root/src/xenbus/main.c
	packages 99.0.2
	refused dpkg -i /root/99.0.2/*.deb
	kernels_own "$kernel"
	image_has_kernels "$image" "$kernel"
}

# The next version mends it.
mended()
{
	sources 99.0.3
	packages 99.0.3
	run dpkg -i /root/99.0.3/*.deb
	VERSION=99.0.3
	ours_installed "$kernel"
	image_has_ours "$image" "$kernel"
}

ktap_begin
only_kernel "$kernel"
ktap_test install install
ktap_test upgrade upgrade
ktap_test broken_upgrade broken_upgrade
ktap_test mended mended
ktap_end
