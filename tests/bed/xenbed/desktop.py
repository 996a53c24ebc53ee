# SPDX-License-Identifier: GPL-2.0-only
"""A Debian with a Wayland compositor, to run in a guest's chroot: a file system for its disk."""
from . import rootfs

PACKAGES = "weston udev xkb-data fonts-dejavu-core libinput-tools".split()


def squashfs():
    def build(tar, out):
        rootfs.unpacked(tar, f"""{rootfs.trim_script()}
mksquashfs root "$1" -comp lz4 -Xhc -noappend -no-progress -quiet""", out)
        tar.unlink()
    return rootfs.made("desktop", PACKAGES, "bookworm", "desktop.squashfs", build)
