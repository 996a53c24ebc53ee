# SPDX-License-Identifier: GPL-2.0-only
"""Another kernel in the same domain: kexec, and the crash kernel after a panic."""
from xenbed import Disk, paths

from _guest import wait_until

# Kernel and initramfs come to the guest on it, and so by our driver.
DISK = "xvdd"


def disk(size="16M"):
    return Disk(DISK, size=size)


def load(host, guest, options="-l"):
    """The kernel and the initramfs that the guest was booted with are loaded to be next."""
    behind = next(one for one in guest.disks if one.vdev == DISK)
    # Not what a PVH or PV guest was booted from, which is unpacked.
    image = f"/cache/{guest.kernel.image.relative_to(paths.CACHE)}"
    host.dom0.run(f"cd /scratch && cp {image} {guest.name}-kernel && tar -cf {guest.name}.tar {guest.name}-kernel {guest.name}-initrd && "
                  f"dd if={guest.name}.tar of={behind.target} bs=1M conv=fsync status=none && rm {guest.name}.tar")
    guest.run(f"tar -C /tmp -xf /dev/{DISK}")
    guest.run(f"kexec {options} --reuse-cmdline --initrd=/tmp/{guest.name}-initrd /tmp/{guest.name}-kernel && rm /tmp/{guest.name}-*")


def boot_id(guest):
    return guest.run("cat /proc/sys/kernel/random/boot_id").out


def execute(guest):
    """The loaded kernel runs, in the same domain, and its agent answers."""
    before, domain = boot_id(guest), guest.id
    guest.run("sync; kexec -e", check=False)
    guest.ready()
    assert boot_id(guest) != before, "it is the same kernel"
    assert guest.id == domain, "it is another domain"


def crash(guest, cpu=0):
    """The guest panics; what runs then is the crash kernel."""
    guest.spawn(f"echo 1 > /proc/sys/kernel/sysrq; taskset -c {cpu} sh -c 'echo c > /proc/sysrq-trigger'")
    wait_until(lambda: guest.agent.gone, "it panics")
    wait_until(lambda: not guest.agent.gone, "the crash kernel's agent answers", 400)
    guest.ready()
