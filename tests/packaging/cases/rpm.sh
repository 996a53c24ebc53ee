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

# scriptlet NAME: that one, as rpm runs it
scriptlet()
{
	awk -v name="$1" '/ scriptlet \(using/ { on = $1 == name; next } on' /root/scripts
}

# The package is installed on a machine with headers for two kernels, one of which is too old, and none for the running one.
installs()
{
	rm -rf /lib/modules/* /root/stubs
	mkdir -p /root/stubs /lib/modules/9.8.0/build/include /lib/modules/5.10.0/build/include /lib/modules/9.9.0
	cat > /root/stubs/dkms <<-'END'
	#!/bin/sh
	echo "dkms $*" >> /root/calls
	case "$*" in
	install*5.10.0) exit 77 ;;
	install*) exit "$(cat /root/status)" ;;
	status*9.8.0) cat /root/built ;;
	esac
	END
	printf '#!/bin/sh\necho "dracut $*" >> /root/calls\n' > /root/stubs/dracut
	chmod +x /root/stubs/*
	scriptlet postinstall > /root/post
	: > /root/built
	outcome 0
	grep "^dkms install .*-k 9.8.0" /root/calls
	refused grep "dkms remove\|9.9.0" /root/calls
	grep "^dracut --force --regenerate-all" /root/calls
	grep "no headers of the running kernel" /root/said
	refused grep "nothing of ours is installed" /root/said
	# The same version once more: from its new sources.
	echo "xenfront/$VERSION, 9.8.0, x86_64: installed" > /root/built
	outcome 0
	grep "^dkms remove .*-k 9.8.0" /root/calls
	# It does not build: somebody has to be told, and the image with what works stays.
	outcome 10
	grep "nothing of ours is installed for 9.8.0" /root/said
	refused grep "^dracut" /root/calls
}

# Whoever has tried `make dkms-install` before.
not_beside_another()
{
	scriptlet preinstall > /root/pre
	mkdir -p /root/stubs
	printf '#!/bin/sh\ncat /root/known\n' > /root/stubs/dkms
	chmod +x /root/stubs/dkms
	echo "xenfront/0.0.1, 9.8.0, x86_64: installed" > /root/known
	if PATH=/root/stubs:$PATH sh /root/pre 1 > /root/said 2>&1; then
		fail "it was not refused"
	fi
	grep "already, by make dkms-install" /root/said || fail "$(cat /root/said)"
	# An upgrade: it is the package's own.
	PATH=/root/stubs:$PATH sh /root/pre 2
	: > /root/known
	PATH=/root/stubs:$PATH sh /root/pre 1
}

# outcome STATUS: of dkms install
outcome()
{
	echo "$1" > /root/status
	: > /root/calls
	PATH=/root/stubs:$PATH sh /root/post 1 > /root/said 2>&1
	cat /root/said /root/calls
}

ktap_begin
ktap_test build build
ktap_test rpmlint rpmlint_is_content
ktap_test files has_files
ktap_test scriptlets scriptlets_are_shell
ktap_test installs installs
ktap_test not_beside_another not_beside_another
ktap_end
