# SPDX-License-Identifier: GPL-2.0-only
"""Sets of kernel modules for an image: some of a kernel's own, and ours in updates/, indexed by depmod."""
import lzma
import pathlib
import re
import shutil
import subprocess

from . import paths
from .progress import BedError

OURS = ("xenfront", "xen-blkfront", "xen-netfront", "xen-fbfront", "xen-kbdfront", "xenfront-fb",
        "xenfront-kbd", "xen-console", "xen-guest", "xenfs")

# What a guest that lives in RAM may need; names that a kernel does not have are passed over.
GUEST = """squashfs loop overlay xen-blkfront xen-netfront xen-fbfront xen-kbdfront xenfs xen-evtchn
xen-gntdev xen-gntalloc xen-privcmd ext4 xfs vfat iso9660 isofs dm-mod dm-flakey dm-crypt dm-thin-pool
null_blk scsi_debug brd sd_mod sr_mod cdrom sg ata_piix ata_generic libata floppy ahci nbd raid1 raid0
virtio_console dummy ifb veth bridge tun macvlan 8021q bonding netconsole sch_netem sch_fq sch_ingress
act_mirred cls_matchall af_packet pktgen evdev uinput drm_shmem_helper drm_kms_helper drm_client_lib fb_sys_fops sysimgblt
sysfillrect syscopyarea crc32c_generic crc32c_intel libcrc32c nls_cp437 nls_ascii nls_iso8859-1
8139cp 8139too e1000 mii psmouse kyber-iosched bfq cirrus bochs configfs efivarfs""".split()

# Of what dom0 has no use for, what a guest with a screen needs.
SCREEN = "drm_shmem_helper drm_kms_helper drm_client_lib evdev".split()

DOM0_OMIT = re.compile(r"kernel/(sound|drivers/(gpu|media|infiniband|usb|staging|hwmon|iio|isdn|leds|"
                       r"bluetooth|video|input|thermal|power|mmc|firewire|mtd|i2c|platform|gpio|pinctrl|"
                       r"net/(ethernet|wireless|usb|phy|can|wan|hamradio|fddi|ieee802154|wwan|arcnet)|"
                       r"scsi/(qla|lpfc|be2|mpt|megaraid|aic|bfa|bnx|csiostor|fnic|smartpqi|hpsa|pm8001|mpi3))|"
                       r"net/(wireless|mac80211|bluetooth|can|sctp|rds|tipc|batman|nfc|ax25|rose|netrom|6lowpan|"
                       r"ceph|sunrpc|smc|dccp|atm|ieee802154|mac802154|decnet|appletalk)|"
                       r"fs/(nfs|nfsd|smb|cifs|ceph|ocfs2|gfs2|afs|jfs|reiserfs|coda|ubifs|jffs2|nilfs2|f2fs|lockd|"
                       r"btrfs|hfs|ufs|orangefs|erofs|ntfs))")


def canonical(name):
    return re.sub(r"\.ko(\..*)?$", "", name.rsplit("/", 1)[-1]).replace("-", "_")


class Index:
    """modules.dep of one kernel."""

    def __init__(self, kernel):
        self.root = kernel.modules
        self.path, self.needs = {}, {}
        for line in (self.root / "modules.dep").read_text().splitlines():
            path, _, needs = line.partition(":")
            self.path[canonical(path)] = path
            self.needs[canonical(path)] = [canonical(n) for n in needs.split()]

    def closure(self, names):
        """Those modules and all they need, each after what it needs."""
        ordered = []

        def add(name):
            if name in self.path and name not in ordered:
                for need in reversed(self.needs[name]):
                    add(need)
                if name not in ordered:
                    ordered.append(name)

        for name in names:
            add(canonical(name))
        return ordered

    def read(self, name):
        """The module as the kernel loads it, unpacked."""
        path = self.root / self.path[name]
        data = path.read_bytes()
        if path.suffix == ".xz":
            return lzma.decompress(data)
        if path.suffix == ".zst":
            return subprocess.run(["zstd", "-dcq", str(path)], stdout=subprocess.PIPE, check=True).stdout
        return data


def ours_in(folder):
    """The .ko files of a build, wherever in that folder they are."""
    files = {path.stem: path for path in sorted(pathlib.Path(folder).rglob("*.ko"))}
    if not files:
        raise BedError(f"{folder}: no .ko files; build the modules first")
    return files


def built_for(kernel):
    """Where tests/build leaves our modules for that kernel."""
    return paths.CACHE / "build" / kernel.release


def install(kernel, root, names=None, omit=None, keep=(), ours=None):
    """Fills root/lib/modules/RELEASE: the named modules with what they need (or all but those that
    match omit and are not needed by keep), ours (folder or None) in updates/; then depmod decides as on any machine."""
    index = Index(kernel)
    kept = index.closure(keep)
    target = root / "lib/modules" / kernel.release
    target.mkdir(parents=True)
    for name in index.closure(names if names is not None else list(index.path)):
        path = index.path[name]
        if omit and omit.match(path) and name not in kept:
            continue
        to = target / re.sub(r"\.ko\..*$", ".ko", path)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(index.read(name))
    for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        if (kernel.modules / name).exists():
            shutil.copy(kernel.modules / name, target / name)
    if ours:
        (target / "updates").mkdir()
        for path in ours_in(ours).values():
            shutil.copy(path, target / "updates" / path.name)
    done = subprocess.run(["depmod", "-b", str(root), kernel.release], text=True, stderr=subprocess.PIPE)
    if done.returncode:
        raise BedError(f"depmod for {kernel.release} failed: {done.stderr}")


def srcversion(path):
    done = subprocess.run(["modinfo", "-F", "srcversion", str(path)], text=True, stdout=subprocess.PIPE)
    return done.stdout.strip()
