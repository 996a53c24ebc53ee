#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# quick: bookworm
# The install file for mkinitcpio, with functions of mkinitcpio's contract (mkinitcpio(8), "About install hooks").
# Debian has no mkinitcpio, so these are not its own.

# shellcheck source=../lib.sh
. /src/tests/packaging/lib.sh

BUILDROOT=$(mktemp -d -p /root)
KERNELVERSION=$(kernels | head -n 1)

add_module()
{
	local file
	# What the kernel lacks is an error, unless the name ends in a question mark.
	file=$(modinfo -k "$KERNELVERSION" -n "${1%\?}" 2> /dev/null) || { [[ $1 == *\? ]]; return; }
	[[ $file == /* ]] || return 0
	mkdir -p "$BUILDROOT${file%/*}"
	cp "$file" "$BUILDROOT$file"
}

add_file()
{
	[[ -f $1 ]] || { echo "add_file: no $1"; return 1; }
	mkdir -p "$BUILDROOT$(dirname "${2:-$1}")"
	cp "$1" "$BUILDROOT${2:-$1}"
	[[ -z ${3-} ]] || chmod "$3" "$BUILDROOT${2:-$1}"
}

add_dir()
{
	mkdir -p "$BUILDROOT$1"
}

add_binary()
{
	add_file "$(type -P "$1")"
}

add_symlink()
{
	mkdir -p "$BUILDROOT${1%/*}"
	ln -sfn "$2" "$BUILDROOT$1"
}

# Only there once the hook systemd has been run.
systemd_functions()
{
	add_systemd_unit() { add_file "/usr/lib/systemd/system/$1"; }
}

add_runscript()
{
	add_file /usr/lib/initcpio/hooks/xenfront /hooks/xenfront 755
}

has()
{
	[[ -e $BUILDROOT$1 ]] || fail "the image has no $1"
}

has_drivers()
{
	local name
	for name in xen-blkfront xen-netfront; do
		find "$BUILDROOT/lib/modules" -name "$name.ko*" | grep -q . || fail "the image has no $name"
		find "$BUILDROOT/usr/lib/xenfront/original" -name "$name.ko*" | grep -q . ||
			fail "the image has no $name for the way back"
	done
	has /usr/lib/xenfront/original/needs
	has /usr/lib/xenfront/early.sh
	has "$(type -P insmod)"
}

busybox_image()
{
	rm -rf "${BUILDROOT:?}"/*
	( . /usr/lib/initcpio/install/xenfront && build )
	has_drivers
	has /hooks/xenfront
	[[ ! -e $BUILDROOT/usr/lib/systemd ]] || fail "the image has a unit, and nobody to start it"
	grep -q '^run_earlyhook' "$BUILDROOT/hooks/xenfront"
}

systemd_image()
{
	rm -rf "${BUILDROOT:?}"/*
	systemd_functions
	( . /usr/lib/initcpio/install/xenfront && build )
	has_drivers
	has /usr/lib/systemd/system/sysinit.target.wants/xenfront-early.service
	[[ ! -e $BUILDROOT/hooks/xenfront ]] || fail "the image has a run hook, and nobody to run it"
}

# The unit is one that systemd takes.
unit()
{
	run systemd-analyze verify --man=no /usr/lib/systemd/system/xenfront-early.service
}

# The drop-in adds to what the user has, and takes nothing away.
drop_in()
{
	HOOKS=(base udev block)
	MODULES=(mine)
	. /etc/mkinitcpio.conf.d/xenfront.conf
	equal HOOKS "${HOOKS[*]}" "base udev block xenfront"
	equal MODULES "${MODULES[*]}" mine
	unset HOOKS
	# shellcheck disable=SC2178
	HOOKS="base udev block"
	. /etc/mkinitcpio.conf.d/xenfront.conf
	equal "HOOKS after a string" "${#HOOKS[@]}: ${HOOKS[*]}" "4: base udev block xenfront"
}

# Presets from before mkinitcpio 36 keep it from reading drop-ins.
old_preset()
{
	mkdir -p /etc/mkinitcpio.d
	echo '#ALL_config="/etc/mkinitcpio.conf"' > /etc/mkinitcpio.d/linux.preset
	( . /src/packaging/arch/xenfront-dkms.install && post_install ) > /tmp/said
	refused grep preset /tmp/said
	echo 'ALL_config="/etc/mkinitcpio.conf"' > /etc/mkinitcpio.d/linux.preset
	( . /src/packaging/arch/xenfront-dkms.install && post_install ) > /tmp/said
	grep "^/etc/mkinitcpio.d/linux.preset names" /tmp/said
}

ktap_begin
run make -C /src/packaging install
ktap_test busybox_image busybox_image
ktap_test systemd_image systemd_image
ktap_test unit unit
ktap_test drop_in drop_in
ktap_test old_preset old_preset
ktap_end
