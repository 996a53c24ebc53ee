# SPDX-License-Identifier: GPL-2.0-only
"""The disk of a Debian guest that boots its own kernel, at the stages of its life with our package.

Between two stages its root is changed at this machine's speed, by chroot, as from a rescue system: in an emulated guest
DKMS takes a quarter of an hour for what takes half a minute here.
"""
import dataclasses
import functools
import pathlib
import subprocess
import tarfile
import tempfile

from . import debian, kernels, lock, paths, progress, rootfs
from .progress import BedError

SIZE_MB = 2048
STAGES = {
    "new": "as Debian made it, with our packages built beside it",
    "installed": "they have been installed",
    "upgraded": "then the next kernel",
    "removed": "then ours have been removed",
    "dracut": "then dracut has taken initramfs-tools' place, and ours are back",
}
# As README tells the owner to, and what his guest has anyway.
INCLUDE = """systemd-sysv udev dbus login ifupdown iproute2 iputils-ping procps python3 initramfs-tools zstd e2fsprogs
linux-image-amd64 linux-headers-amd64 build-essential debhelper dh-dkms dkms openssl""".split()
# What a kernel has and no guest: half the time that its initramfs and its index take.
BULKY = """drivers/gpu/drm/amd drivers/gpu/drm/i915 drivers/gpu/drm/nouveau drivers/gpu/drm/radeon drivers/gpu/drm/xe
drivers/infiniband drivers/media drivers/net/ethernet drivers/net/wireless drivers/iio drivers/staging drivers/usb sound""".split()
# What the packages for Debian are not made of.
BESIDE = ("tests", "docs", "packaging/rpm", "packaging/arch")
# Who configures a guest's disk image also says what its boot loader, here pygrub in dom0, is to start. The links are Debian's:
# a newer kernel's package makes them point at that, its removal at the older one.
GRUB = """set default=0
set timeout=0
menuentry 'Debian' {
	linux /vmlinuz root=/dev/xvda1 ro %s
	initrd /initrd.img
}
""" % kernels.GUEST_ARGUMENTS


@dataclasses.dataclass(frozen=True)
class Release:
    suite: str
    dhcp: str               # the client that Debian's installer chooses
    newer: str = ""         # a kernel to upgrade to, if there is one


RELEASES = {r.suite: r for r in (Release("bookworm", "isc-dhcp-client", "6.12"), Release("trixie", "dhcpcd-base"))}

# Packages for a later stage, which has no network, in /root/later/NAME.
LATER = """--customize-hook=chroot "$1" apt-get clean && chroot "$1" apt-get -qy install --download-only {1} &&
mkdir -p "$1/root/later/{0}" && mv "$1"/var/cache/apt/archives/*.deb "$1/root/later/{0}/" """

SCRIPT = rootfs.trim_script() + debian.FILE_SYSTEM + r"""
sources=$2 own=$3 out=$4 size=$5 masked=$6

# In a mount namespace of its own: what is mounted must not get onto the disk.
inside()
{
	unshare --mount sh -ec 'for folder in dev proc sys; do mount --rbind "/$folder" "root/$folder"; done
		exec chroot root env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"' sh "$@"
}

own_packages()
{
	inside sh -c 'apt-get -qy install /root/xenfront/dist/xenfront_*.deb /root/xenfront/dist/xenfront-dkms_*.deb'
}

# later NAME: the packages that were put by for a stage
later()
{
	mkdir root/root/later
	cp "later/$1"/*.deb root/root/later/
	inside sh -c 'apt-get -qy install /root/later/*.deb'
	rm -r root/root/later
}

# stage NAME
stage()
{
	rm -rf root/var/cache/apt/*.bin root/var/cache/debconf/*-old root/tmp/*
	file_system "$out/$1.img" "$size"
	echo "stage $1: $(($(date +%s) - began)) s"
}

began=$(date +%s)
cp -a "$own/." root/
chown -R 0:0 root/bed root/etc root/boot/grub
sed -i 's/^root:[^:]*:/root::/' root/etc/shadow
for unit in $masked; do ln -sf /dev/null "root/etc/systemd/system/$unit"; done
mkdir root/root/xenfront
tar -C root/root/xenfront --strip-components=1 --no-same-owner -xf "$sources"
mv root/root/later .
inside make -C /root/xenfront deb
stage new

own_packages
inside xenfront check
stage installed

if [ -d later/newer ]; then
	later newer
	inside xenfront check
	stage upgraded
fi

inside apt-get -qy purge xenfront-dkms xenfront
stage removed

later dracut
own_packages
inside xenfront check
stage dracut
"""


def _sources(folder):
    """What a user unpacks: the tree's archive without what is BESIDE, and a key to what is in it."""
    subprocess.run([str(paths.SOURCE / "packaging/dist"), "tar", str(folder)], check=True, stdout=subprocess.DEVNULL)
    whole, own = next(folder.glob("*.tar.gz")), folder / "sources.tar"
    inputs = []
    with tarfile.open(whole) as archive, tarfile.open(own, "w") as kept:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            if member.name.partition("/")[2].startswith(BESIDE) or member.name.endswith(".md"):
                continue
            data = archive.extractfile(member) if member.isfile() else None
            kept.addfile(member, data)
            inputs += [member.name, oct(member.mode), archive.extractfile(member).read() if member.isfile() else b""]
    return own, paths.key(*inputs)


def _files():
    """What is on the disk beside Debian and ours: path and text."""
    return {
        "etc/hostname": "xen-guest\n",
        "etc/hosts": "127.0.0.1 localhost xen-guest\n",
        "etc/fstab": "/dev/xvda1 / ext4 defaults,errors=remount-ro 0 1\n",
        "etc/network/interfaces": "auto lo eth0\niface lo inet loopback\niface eth0 inet dhcp\n",
        "boot/grub/grub.cfg": GRUB,
        "bed/agent.py": (paths.PACKAGE / "agent.py").read_text(),
        "bed/link.py": (paths.PACKAGE / "link.py").read_text(),
    }


def _root(release):
    """mmdebstrap's tar archive, with the packages of the later stages."""
    options = [f"--dpkgopt=path-exclude={top}/lib/modules/*/kernel/{folder}/*" for folder in BULKY for top in ("", "/usr")]
    later = {"dracut": "dracut"}
    if release.newer:
        newer = kernels.find(release.newer).release
        later["newer"] = f"linux-image-{newer} linux-headers-{newer}"
    options += [LATER.format(*one) for one in later.items()]
    return rootfs.made(f"stages-{release.suite}", INCLUDE + [release.dhcp], release.suite, "base.tar",
                       lambda tar, out: tar.rename(out), options=options)


@functools.lru_cache(maxsize=None)
def _disks(suite):
    """The folder with a disk of each stage."""
    release = RELEASES[suite]
    with lock.held(f"stages-{suite}.lock", "another making of these disks"), tempfile.TemporaryDirectory() as work:
        tar, files = _root(release), _files()
        sources, key = _sources(pathlib.Path(work))
        folder = paths.image(f"stages-{suite}-{paths.key(tar.parent.name, key, SCRIPT, *debian.MASKED, *files, *files.values(), SIZE_MB)}")
        if folder.exists():
            return folder
        _make(tar, sources, files, folder)
        paths.keep_newest(folder.parent, f"stages-{suite}-*", 1)
    return folder


def disk(name):
    """The disk of SUITE.STAGE, made with those of the suite's other stages if it is not there yet."""
    suite, _, stage = name.partition(".")
    if suite not in RELEASES or stage not in STAGES:
        raise BedError(f"no disk is called {name!r}; there are {', '.join(f'{s}.{t}' for s in RELEASES for t in STAGES)}")
    return _disks(suite) / f"{stage}.img"


def _make(tar, sources, files, folder):
    log = paths.LOGS / f"{folder.name}.log"
    with progress.step(f"making the disks of {folder.name}: packages built, installed, upgraded and removed (log: {log})"):
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            own, out = pathlib.Path(work) / "own", pathlib.Path(work) / "out"
            out.mkdir()
            for path, text in files.items():
                (own / path).parent.mkdir(parents=True, exist_ok=True)
                (own / path).write_text(text)
            pathlib.Path(work).chmod(0o755)
            sources.parent.chmod(0o755)
            rootfs.unpacked(tar, SCRIPT, tar, sources, own, out, SIZE_MB, " ".join(debian.MASKED), log=log)
            for disk in out.glob("*.img"):
                debian.partition(disk)
            out.rename(folder)
