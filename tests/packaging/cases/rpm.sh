#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# long: trixie
# Fedora's packages, as far as Debian's rpm can tell: they build, rpmlint takes them, and the files are all there.

# shellcheck source=../lib.sh
. /src/tests/packaging/lib.sh

build()
{
	run /src/packaging/dist rpm /root/dist
	equal "the packages" "$(cd /root/dist && ls -- *.rpm | tr '\n' ' ')" \
		"xenfront-$VERSION-1.noarch.rpm xenfront-dkms-$VERSION-1.noarch.rpm "
}

rpmlint_is_content()
{
	rpmlint --config /src/packaging/rpm/rpmlint.toml /root/dist/*.rpm
}

has_files()
{
	rpm -qlp /root/dist/xenfront-"$VERSION"*.rpm > /root/tools
	rpm -qlp /root/dist/xenfront-dkms-*.rpm > /root/sources
	for file in /usr/sbin/xenfront /usr/lib/dracut/modules.d/50xenfront/module-setup.sh /usr/lib/xenfront/early.sh; do
		grep -qx "$file" /root/tools || fail "no $file"
	done
	for file in dkms.conf Kbuild xenbus/main.c compat/xen/xenbus.h; do
		grep -qx "/usr/src/xenfront-$VERSION/$file" /root/sources || fail "no $file"
	done
	refused grep -q 'initcpio\|initramfs-tools' /root/tools
}

scriptlets_are_shell()
{
	rpm -qp --scripts /root/dist/xenfront-dkms-*.rpm > /root/scripts
	cat /root/scripts
	grep -q "dkms add -m xenfront -v $VERSION" /root/scripts
	sed '/scriptlet (using/d' /root/scripts > /root/scripts.sh
	sh -n /root/scripts.sh
}

ktap_begin
ktap_test build build
ktap_test rpmlint rpmlint_is_content
ktap_test files has_files
ktap_test scriptlets scriptlets_are_shell
ktap_end
