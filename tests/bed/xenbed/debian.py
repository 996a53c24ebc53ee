# SPDX-License-Identifier: GPL-2.0-only
"""A whole Debian on a partitioned disk, as a user installs it: systemd, a login on hvc0, and an initramfs
by initramfs-tools in which the block driver is whichever depmod prefers."""
import dataclasses
import pathlib
import struct
import subprocess
import tempfile

from . import modules, paths, progress, rootfs

# With our modules come the hook of their package and the rest of it.
PACKAGING = paths.SOURCE / "packaging"
SIZE_MB = 1536
START = 2048                # sectors; the first partition's place since disks have megabyte tracks

# Lets it boot in software emulation without waiting for what it has not got.
MASKED = """systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service
fstrim.timer dpkg-db-backup.timer man-db.timer logrotate.timer systemd-pstore.service
systemd-random-seed.service systemd-rfkill.service systemd-update-utmp.service systemd-update-utmp-runlevel.service
systemd-journal-flush.service systemd-binfmt.service modprobe@drm.service
dev-hugepages.mount dev-mqueue.mount keyboard-setup.service console-setup.service systemd-logind.service
user@0.service""".split()
NETWORK = "networking.service ifupdown-pre.service".split()

# file_system DISK MEGABYTES: one with ./root on it, in the disk's first partition
FILE_SYSTEM = f"""
file_system()
{{
	truncate -s "$2M" "$1"
	mke2fs -q -F -t ext4 -L root -E "offset=$(({START} * 512)),lazy_itable_init=1" -d root "$1" "$(($2 - 1))M"
}}
"""

INSTALL = FILE_SYSTEM + r"""
release=$2 overlay=$3 out=$4
mkdir -p root/usr/lib/modules root/boot root/bed
cp -a "$overlay/lib/modules/." root/usr/lib/modules/
cp "$overlay/config" "root/boot/config-$release"
cp "$overlay/agent.py" "$overlay/link.py" root/bed/
[ ! -d "$overlay/tools" ] || cp -a "$overlay/tools/." root/
echo xen-guest > root/etc/hostname
echo "127.0.0.1 localhost xen-guest" > root/etc/hosts
echo "/dev/xvda1 / ext4 defaults,errors=remount-ro 0 1" > root/etc/fstab
sed -i 's/^root:[^:]*:/root::/' root/etc/shadow
for unit in $5; do ln -sf /dev/null "root/etc/systemd/system/$unit"; done
# As every guide for Xen guests has it.
echo xen-blkfront >> root/etc/initramfs-tools/modules
echo "MODULES=$6" > root/etc/initramfs-tools/conf.d/bed
echo "COMPRESS=zstd" >> root/etc/initramfs-tools/conf.d/bed
for folder in dev proc sys; do mount --rbind "/$folder" "root/$folder"; done
chroot root mkinitramfs -o /boot/initrd.img "$release"
umount -l root/dev root/proc root/sys
mv root/boot/initrd.img "$out/initrd"
chown -R 0:0 root/usr/lib/modules root/bed
file_system "$out/disk.img" "$7"
"""


@dataclasses.dataclass(frozen=True)
class Installed:
    disk: pathlib.Path
    initrd: pathlib.Path


def partition(image):
    """An MBR with one Linux partition over the rest of the disk."""
    sectors = image.stat().st_size // 512
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", START, sectors - START)
    with open(image, "r+b") as disk:
        disk.seek(440)
        disk.write(b"XENF\0\0" + entry.ljust(64, b"\0") + b"\x55\xaa")


def installed(kernel, ours, policy="most"):
    """Disk and initramfs for that kernel; ours: folder of our modules or None. policy: initramfs-tools' MODULES."""
    files = modules.ours_in(ours) if ours else {}
    tools = sorted(p for p in PACKAGING.rglob("*") if p.is_file()) if ours else []
    tar = rootfs.disk_tar()
    key = paths.key(tar.parent.name, kernel.release, policy, INSTALL, *MASKED, *NETWORK, *modules.SCREEN, *files, *files.values(), *tools,
                    paths.PACKAGE / "agent.py", paths.PACKAGE / "link.py", SIZE_MB)
    folder = paths.image(f"debian-{kernel.release}-{key}")
    result = Installed(folder / "disk.img", folder / "initrd")
    if folder.exists():
        return result
    whose = f"our modules from {ours}" if ours else "the kernel's own modules only"
    with progress.step(f"installing Debian on a disk: {kernel.release}, {whose}; its initramfs with mkinitramfs"):
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            overlay, out = pathlib.Path(work) / "overlay", pathlib.Path(work) / "out"
            overlay.mkdir()
            out.mkdir()
            modules.install(kernel, overlay, omit=modules.DOM0_OMIT, keep=modules.SCREEN, ours=ours)
            (overlay / "config").write_bytes(kernel.config.read_bytes())
            for name in ("agent.py", "link.py"):
                (overlay / name).write_bytes((paths.PACKAGE / name).read_bytes())
            if tools:
                subprocess.run(["make", "-s", "-C", str(PACKAGING), "install", f"DESTDIR={overlay}/tools",
                                "INITRAMFS=initramfs-tools"], check=True, stdout=subprocess.DEVNULL)
            pathlib.Path(work).chmod(0o755)
            rootfs.unpacked(tar, rootfs.trim_script() + INSTALL, tar, kernel.release, overlay, out,
                            " ".join(MASKED + NETWORK), policy, SIZE_MB)
            partition(out / "disk.img")
            out.rename(folder)
    paths.keep_newest(folder.parent, f"debian-{kernel.release}-*", 2)
    return result
