#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# long: trixie
# Arch's package: made by makepkg, installed by pacman into a root directory of its own.

# shellcheck source=../lib.sh
. /src/tests/packaging/lib.sh

build()
{
	run /src/packaging/dist arch /var/tmp/arch
	chown -R nobody /var/tmp/arch
	# -d: what it depends on by name is Arch's.
	run setpriv --reuid=nobody --clear-groups sh -c 'cd /var/tmp/arch && HOME=/var/tmp/arch PKGEXT=.pkg.tar.zst makepkg -d'
	[ -f "/var/tmp/arch/xenfront-dkms-$VERSION-1-any.pkg.tar.zst" ] || fail "there is no package"
}

install()
{
	mkdir -p /root/arch/var/lib/pacman
	run pacman --root /root/arch --dbpath /root/arch/var/lib/pacman --noconfirm --noscriptlet -Udd \
		/var/tmp/arch/xenfront-dkms-*.pkg.tar.zst
	for file in usr/bin/xenfront usr/lib/initcpio/install/xenfront etc/mkinitcpio.conf.d/xenfront.conf \
		"usr/src/xenfront-$VERSION/dkms.conf" "usr/src/xenfront-$VERSION/xenbus/main.c"; do
		[ -f "/root/arch/$file" ] || fail "no $file"
	done
	[ ! -e /root/arch/usr/sbin ] || fail "usr/sbin is a link on Arch"
	pacman --root /root/arch --dbpath /root/arch/var/lib/pacman -Qkk xenfront-dkms
}

ktap_begin
ktap_test build build
ktap_test install install
ktap_end
