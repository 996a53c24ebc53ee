# SPDX-License-Identifier: GPL-2.0-only
#
# For people; what kbuild is to build is in Kbuild.

KDIR ?= /lib/modules/$(shell uname -r)/build
ONLY ?=

# What uname -r says there; kernel.release of Debian's 6.1 headers has another name.
RELEASE = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' $(KDIR)/include/generated/utsrelease.h)

.DEFAULT_GOAL := modules

modules: | $(KDIR)/Makefile			## build the modules for the running kernel, or that of KDIR=
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

install: modules				## install them into updates/, which modprobe prefers (root)
	$(MAKE) -C $(KDIR) M=$(CURDIR) KERNELRELEASE=$(RELEASE) INSTALL_MOD_DIR=updates modules_install
	install -D -m 644 packaging/udev/70-xen-console.rules \
		$(INSTALL_MOD_PATH)/usr/lib/udev/rules.d/70-xen-console.rules
	# kbuild leaves depmod out where there is no System.map, as in header packages.
	depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $(RELEASE)

clean: | $(KDIR)/Makefile			## remove what the build made here
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

demo:						## a Debian guest on Xen, in QEMU: disk, network, screen and keyboard on our drivers
	tests/build/build 6.1 >/dev/null
	tests/bed/bed demo

shell:						## the running Xen host by hand: dom0, the guest's console, its screen
	tests/build/build 6.1 >/dev/null
	tests/bed/bed shell

check:						## the tests; ONLY=<glob> runs those whose names match
	@tests/check $(if $(ONLY),--only '$(ONLY)')

check-long:					## every test, the long ones too: more than two hours
	@tests/check --long

bench:						## the in-tree drivers and ours, in turn, in one boot
	tests/build/build 6.1 >/dev/null
	tests/bench/bench

help:						## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## */\1	/p' $(MAKEFILE_LIST) | expand -t 12

# Goals that need no headers must not stop for want of them.
%/Makefile:
	@echo "no kernel headers in $* (KDIR=): install linux-headers-$$(uname -r), or name another tree" >&2
	@false

.PHONY: modules install clean demo shell check check-long bench help
