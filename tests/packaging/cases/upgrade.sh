#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# long: bookworm trixie
# Debian's packages of one version after another, one of which does not build; and with other installations beside them.

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

# refused_by WHO COMMAND...
refused_by()
{
	who=$1
	shift
	refused "$@" > /root/said 2>&1
	grep "already, by $who" /root/said || fail "$(cat /root/said)"
}

# Whoever has tried `make install` or `make dkms-install` before, and then does what is said.
not_beside_another()
{
	VERSION=99.0.3
	both="apt-get -qy -o APT::Default-Release= install /root/$VERSION/xenfront_${VERSION}_all.deb /root/$VERSION/xenfront-dkms_${VERSION}_all.deb"
	files=/lib/modules/$kernel/updates/xenbus
	mkdir -p "$files"
	cp "$(winner "$kernel" xenfront)" "$files/"
	status=0
	xenfront check > /root/check || status=$?
	equal "the exit status" "$status" 2
	grep -q "ours are installed twice" /root/check || fail "$(cat /root/check)"
	for target in dkms-install install; do
		refused_by "Debian's package" make -C /root/src $target KDIR="/lib/modules/$kernel/build" DKMS_KERNEL="$kernel"
	done
	run dpkg --purge xenfront-dkms
	refused_by "Debian's package" make -C /root/src dkms-install DKMS_KERNEL="$kernel"
	run dpkg --purge xenfront
	# shellcheck disable=SC2086
	refused_by "make install" $both
	run make -C /root/src uninstall KDIR="/lib/modules/$kernel/build"
	run make -C /root/src dkms-install DKMS_KERNEL="$kernel"
	# shellcheck disable=SC2086
	refused_by "make dkms-install" $both
	run make -C /root/src dkms-remove
	# shellcheck disable=SC2086
	run $both
	ours_installed "$kernel"
	equal "what is not as the packages have it" "$(dpkg -V xenfront xenfront-dkms | grep -v '/usr/share/doc/')" ""
	image_has_ours "$image" "$kernel"
}

ktap_begin
only_kernel "$kernel"
ktap_test install install
ktap_test upgrade upgrade
ktap_test broken_upgrade broken_upgrade
ktap_test mended mended
ktap_test not_beside_another not_beside_another
ktap_end
