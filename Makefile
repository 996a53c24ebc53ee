# SPDX-License-Identifier: GPL-2.0-only
#
# For people; what kbuild is to build is in Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build
ONLY ?=
# Of the demo's guest.
KERNEL ?= 6.1
# Of dkms-install: the kernel to build for.
DKMS_KERNEL ?= $(shell uname -r)
VERSION := $(shell cat VERSION)
export DESTDIR

# What uname -r says there; kernel.release of Debian's 6.1 headers has another name.
RELEASE = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' $(KDIR)/include/generated/utsrelease.h)

# Where kbuild has put them, a folder for each of ours; and, so that find never looks here, one place more.
UPDATES = $(wildcard $(addprefix $(DESTDIR)$(INSTALL_MOD_PATH)/lib/modules/$(RELEASE)/updates/,xenbus blkfront netfront kbdfront console fbfront) /dev/null)

.DEFAULT_GOAL := modules

modules: | $(KDIR)/Makefile			## build the modules for the running kernel, or that of KDIR=
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

install:					## install them into updates/, which modprobe prefers, and the tools (root)
	# Where packages are put together there is nobody else.
	$(if $(DESTDIR)$(INSTALL_MOD_PATH),,packaging/alone files)
	$(MAKE) modules install-tools
	$(MAKE) -C $(KDIR) M=$(CURDIR) KERNELRELEASE=$(RELEASE) INSTALL_MOD_DIR=updates \
		INSTALL_MOD_PATH=$(DESTDIR)$(INSTALL_MOD_PATH) modules_install
	# kbuild leaves depmod out where there is no System.map, as in header packages.
	depmod $(addprefix -b ,$(DESTDIR)$(INSTALL_MOD_PATH)) $(RELEASE)

uninstall: | $(KDIR)/Makefile			## take out what install has put there: the kernel's own are back (root)
	find $(UPDATES) -name 'xen*.ko*' -delete
	find $(UPDATES) -depth -type d -empty -delete
	depmod $(addprefix -b ,$(DESTDIR)$(INSTALL_MOD_PATH)) $(RELEASE)
	$(MAKE) -C packaging uninstall DESTDIR=$(DESTDIR)$(INSTALL_MOD_PATH)

install-tools:					## only what goes beside the modules: initramfs, udev, the command
	$(MAKE) -C packaging install DESTDIR=$(DESTDIR)$(INSTALL_MOD_PATH)

dkms-install:					## have DKMS build and install them, now and for every new kernel (root)
	packaging/alone dkms
	$(MAKE) install-tools dkms-source
	packaging/dkms/install $(VERSION) $(DKMS_KERNEL)

dkms-remove:					## take them out of DKMS: the kernel's own are back (root)
	packaging/dkms/remove
	$(MAKE) -C packaging uninstall

dkms-source:					## only the sources, where DKMS looks for them
	packaging/dkms/source $(DESTDIR)/usr/src/xenfront-$(VERSION)

deb:						## Debian's packages, in dist/ (dpkg-dev, debhelper, dh-dkms)
	packaging/dist deb dist

rpm:						## Fedora's, in dist/ (rpm-build)
	packaging/dist rpm dist

arch:						## PKGBUILD and sources for makepkg, in dist/
	packaging/dist arch dist

clean: | $(KDIR)/Makefile			## remove what the build made here
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

demo:						## a Debian guest on Xen, in QEMU, all its devices on our drivers; KERNEL=noxen: without Xen in its kernel
	tests/build/build $(KERNEL) >/dev/null
	tests/bed/bed demo --kernel $(KERNEL)

shell:						## the running Xen host by hand: dom0, the guest's console, its screen
	tests/build/build $(KERNEL) >/dev/null
	tests/bed/bed shell --kernel $(KERNEL)

check:						## the tests; ONLY=<glob> runs those whose names match
	@tests/check $(if $(ONLY),--only '$(ONLY)')

check-long:					## every test, the long ones too: more than two hours
	@tests/check --long

check-packaging:				## the packages, DKMS and initramfs images of Debian 12 and 13: an hour
	@tests/check --only 'packaging.*'

check-walkthrough:				## a Debian guest by pygrub: packages installed, kernel upgraded, packages removed
	@tests/bed/bed run --only packaging_walkthrough

bench:						## the in-tree drivers and ours, in turn, in one boot
	tests/build/build 6.1 >/dev/null
	tests/bench/bench

help:						## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## */\1	/p' $(MAKEFILE_LIST) | expand -t 18

# Goals that need no headers must not stop for want of them.
%/Makefile:
	@echo "no kernel headers in $* (KDIR=): install linux-headers-$$(uname -r), or name another tree" >&2
	@false

.PHONY: modules install uninstall install-tools dkms-install dkms-remove dkms-source deb rpm arch clean demo shell check check-long check-packaging check-walkthrough bench help
