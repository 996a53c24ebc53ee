# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# What the cases share.  /src is the tree; everything else may be changed, for it is thrown away.

# shellcheck source=../selftests/lib.sh
. /src/tests/selftests/lib.sh

export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
VERSION=$(cat /src/VERSION)

# The kernels of this root, the oldest first.
kernels()
{
	for folder in /lib/modules/*; do
		[ ! -e "$folder/modules.dep" ] || echo "${folder##*/}"
	done | sort -V
}

# only_kernel KERNEL: the machine never had another; builds for all of them take long
only_kernel()
{
	for folder in /lib/modules/*; do
		[ "${folder##*/}" = "$1" ] || rm -rf "$folder" "/boot/vmlinuz-${folder##*/}"
	done
}

# run COMMAND...: what it says is shown only if it fails
run()
{
	"$@" > /tmp/run.log 2>&1 || { tail -n 60 /tmp/run.log; fail "failed: $*"; }
}

# srcversion FILE
srcversion()
{
	modinfo -F srcversion "$1"
}

# winner KERNEL MODULE [ROOT]: the file that modprobe takes
winner()
{
	modinfo -k "$1" ${3:+-b "$3"} -n "$2"
}

# installed KERNEL: ours are what modprobe takes, and are signed where the kernel's are
ours_installed()
{
	for name in xen-blkfront xen-netfront; do
		file=$(winner "$1" $name)
		case $file in
		/lib/modules/"$1"/updates/*) ;;
		*) fail "$name is $file" ;;
		esac
		equal "version of $name" "$(modinfo -F version "$file")" "$VERSION"
		[ -n "$(modinfo -F signer "$file")" ] || fail "$file is not signed"
	done
	modinfo -k "$1" xenfront > /dev/null || fail "the library is not there"
	# The kernel's own are built in: ours are beside them.
	for name in fb kbd; do
		equal "$name" "$(basename "$(winner "$1" xenfront-$name)" | sed 's/\.ko.*//')" xenfront-$name
	done
}

# kernels_own KERNEL: what modprobe takes is what the package of the kernel brought
kernels_own()
{
	for name in xen-blkfront xen-netfront; do
		case $(winner "$1" $name) in
		/lib/modules/"$1"/kernel/drivers/*) ;;
		*) fail "$name is $(winner "$1" $name)" ;;
		esac
	done
	if modinfo -k "$1" xenfront > /dev/null 2>&1; then
		fail "the library is still there"
	fi
}

# unpacked IMAGE: a fresh folder with what is in it
unpacked()
{
	unpacked=$(mktemp -d -p /root)
	unmkinitramfs "$1" "$unpacked"
	[ ! -d "$unpacked/main" ] || unpacked=$unpacked/main
	echo "$unpacked"
}

# image_has_ours IMAGE KERNEL: by srcversion, and nothing of what they need is missing
image_has_ours()
{
	image=$(unpacked "$1")
	for name in xen-blkfront xen-netfront xenfront xenfront-kbd xenfront-fb xen-console; do
		[ -n "$(winner "$2" $name)" ] || fail "there is no $name for $2"
		equal "srcversion of $name in $1" "$(srcversion "$(winner "$2" $name "$image")")" \
			"$(srcversion "$(winner "$2" $name)")"
		# A srcversion is of a module's own directory only.
		equal "version of $name in $1" "$(modinfo -F version "$(winner "$2" $name "$image")")" "$VERSION"
	done
	for name in xen-blkfront xen-netfront; do
		file=$(find "$image/usr/lib/xenfront/original" -name "$name.ko*")
		[ -n "$file" ] || fail "the image has no $name of the kernel's own for the way back"
		if [ -n "$(modinfo -F version "$file")" ]; then
			fail "the $name for the way back is ours"
		fi
	done
	# dracut keeps it as a hook of its own, and runs those that are called .sh.
	find "$image" -path '*/xenfront/early.sh' -o -path '*/hooks/pre-udev/*.sh' -name '*-early.sh' | grep -q . || fail "the image has no way back"
	rm -rf "$image"
}

# image_has_kernels IMAGE KERNEL: the kernel's own disk driver and nothing of ours
image_has_kernels()
{
	image=$(unpacked "$1")
	file=$(winner "$2" xen-blkfront "$image")
	case $file in
	*/kernel/drivers/block/xen-blkfront.ko*) ;;
	*) fail "the image's disk driver is \"$file\"" ;;
	esac
	equal "xenfront.ko in the image" "$(find "$image" -name 'xenfront*.ko*')" ""
	rm -rf "$image"
}

# sources [VERSION]: a copy of the tree in /root/src that may be changed, and called a version
sources()
{
	rm -rf /root/src
	mkdir /root/src
	tar -C /src --exclude-vcs --exclude=./tests --exclude=./dist -cf - . | tar -C /root/src -xf -
	if [ $# -gt 0 ]; then
		echo "$1" > /root/src/VERSION
		sed -i "s/^PACKAGE_VERSION=.*/PACKAGE_VERSION=\"$1\"/" /root/src/dkms.conf
		sed -i "1s/(.*)/($1)/" /root/src/packaging/debian/changelog
	fi
}
