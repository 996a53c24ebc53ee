# SPDX-License-Identifier: GPL-2.0-only
"""Debian roots made with mmdebstrap: dom0's, the guests' tools in RAM, and a whole Debian on a disk."""
import os
import subprocess

from . import packages, paths, progress
from .progress import BedError

COMMON = """kmod iproute2 procps util-linux e2fsprogs mount python3-minimal xenstore-utils netbase
socat fdisk parted blktrace hdparm sg3-utils pciutils""".split()
DOM0 = COMMON + """xen-utils-4.17 qemu-system-xen qemu-utils python3 bridge-utils dmsetup ethtool iperf3 fio xfsprogs
iputils-ping nbdkit tcpdump dnsmasq-base dropbear-bin trace-cmd gvncviewer less nano ncurses-base""".split()
GUEST = COMMON + """fio xfsprogs iperf3 ethtool dmsetup iputils-ping evtest
fbcat libdrm-tests netcat-openbsd tcpdump dropbear-bin kexec-tools less""".split()
DISK = COMMON + """fio iperf3 ethtool iputils-ping systemd-sysv udev dbus login initramfs-tools
ifupdown nano less ncurses-base zstd""".split()

TRIM = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian",
        "usr/share/common-licenses", "var/cache/apt", "var/lib/apt/lists")


def _unshared(command):
    """As root, or as the root of a user namespace: owners in an image must be root's. What is mounted
    meanwhile goes with the mount namespace."""
    return (["unshare", "--mount"] if os.geteuid() == 0 else ["mmdebstrap", "--unshare-helper"]) + command


def _bootstrap(what, include, suite, folder, options=()):
    """mmdebstrap's tar archive of a root, kept by the packages it was asked for."""
    fetcher = packages.Fetcher()
    fetcher.update()
    lines = packages.source_lines(suite, f"{suite}-security")
    folder.mkdir(parents=True, exist_ok=True)
    tar, log = folder / "root.tar", folder / "mmdebstrap.log"
    command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(include)}",
               "--aptopt=APT::Install-Recommends false", "--dpkgopt=path-exclude=/usr/share/man/*",
               "--dpkgopt=path-exclude=/usr/share/locale/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
               *options, suite, str(tar), *lines]
    with progress.step(f"building {what} with mmdebstrap ({len(include)} packages; log: {log})"):
        with open(log, "w") as out:
            if subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL).returncode:
                tar.unlink(missing_ok=True)
                raise BedError(f"mmdebstrap failed; the end of {log}:\n" +
                               "".join(open(log).readlines()[-8:]))
    return tar


def unpacked(tar, script, *arguments, log=None):
    """Runs a shell script in a folder with the tar archive unpacked in ./root; what it said, in the file log as well."""
    work = tar.parent / "work"
    whole = f"""set -e
rm -rf "$0"; mkdir -p "$0/root"; cd "$0"; tar -C root --exclude=./dev/* -xf {tar}
mkdir -p root/dev root/proc root/sys root/run root/tmp
{script}
cd /; rm -rf "$0" """
    done = subprocess.run(_unshared(["sh", "-c", whole, str(work), *map(str, arguments)]), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if log:
        log.write_text(done.stdout)
    if done.returncode:
        raise BedError(f"making an image in {work} failed:\n{done.stdout[-2000:]}")
    return done.stdout


def made(kind, include, suite, target, build, *more, options=()):
    """An image in the cache, kept by the packages it is asked for, by mmdebstrap's further options, and more; build(tar, file)
    makes it of their root."""
    folder = paths.CACHE / "roots" / f"{kind}-{paths.key(suite, *include, trim_script(), *options, *more)}"
    image = folder / target
    if not image.exists():
        tar = _bootstrap(f"{kind}'s root", include, suite, folder, options)
        with progress.step(f"packing {kind}'s root into {target}"):
            partial = folder / (target + ".partial")
            partial.unlink(missing_ok=True)
            build(tar, partial)
            partial.rename(image)
        paths.keep_newest(folder.parent, f"{kind}-*", 2)
    return image


def trim_script():
    return "".join(f"rm -rf root/{path}; " for path in TRIM) + "mkdir -p root/var/cache/apt root/var/lib/apt/lists"


def guest_squashfs(suite="bookworm"):
    """The guests' tools, packed: the kernel unpacks the pages that are used."""
    def build(tar, out):
        unpacked(tar, f"""{trim_script()}
rm -rf root/usr/lib/apt root/usr/bin/apt* root/usr/lib/x86_64-linux-gnu/libapt* root/usr/bin/perl* root/var/lib/dpkg
rm -rf root/usr/lib/x86_64-linux-gnu/perl* root/usr/share/perl* root/usr/lib/x86_64-linux-gnu/libperl*
rm -rf root/usr/lib/x86_64-linux-gnu/gconv root/usr/lib/locale root/usr/share/zoneinfo root/var/cache/debconf/*
mkdir -p root/lib/modules root/bed
mksquashfs root "$1" -comp lz4 -Xhc -noappend -no-progress -quiet""", out)
        (tar.parent / "root.tar").unlink()
    return made("guest", GUEST, suite, "root.squashfs", build)


def dom0_tar():
    def build(tar, out):
        tar.rename(out)
    return made("dom0", DOM0, "bookworm", "base.tar", build)


def ext4(tar, image, size, overlay, label):
    """An ext4 image of a tar archive plus the files of a folder (no mount, no root tricks)."""
    unpacked(tar, f"""{trim_script()}
mkdir -p root/usr/lib/modules; cp -a "$2/lib/modules/." root/usr/lib/modules/
chown -R 0:0 root/usr/lib/modules
mke2fs -q -F -t ext4 -L "$3" -E lazy_itable_init=1 -d root "$1" "$4" """, image, overlay, label, size)


def disk_tar(suite="bookworm"):
    def build(tar, out):
        tar.rename(out)
    return made("disk", DISK, suite, "base.tar", build)
