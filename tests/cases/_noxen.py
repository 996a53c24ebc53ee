# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of a kernel share that knows nothing of Xen: xen-guest and the front-ends upon it are all there is."""
from xenbed import Disk, Nic

import _blkfront as blk
import _netfront as net
from _guest import all_ours, granted_pages, lines, log_length, sound, wait_until    # noqa: F401
from xenbed.nic import DOM0

NOXEN = {"kernel": "noxen", "type": "hvm", "memory": 512}
DEVICES = {**NOXEN, "disks": [Disk("xvdb", size="192M")], "nics": [Nic()], "load": ["xen-blkfront", "xen-netfront", "xen-kbdfront"]}
KINDS = {"vbd": "xen-blkfront", "vif": "xen-netfront", "vkbd": "xen-kbdfront"}
# Above them, in the order in which they can go.
ABOVE = "xen-blkfront xen-netfront xen-kbdfront xen-fbfront xenfs xen-console xenfront"


def at_work(host, guest, megabytes=1):
    """A file system on the disk, and files both ways over the network."""
    blk.selftests(guest, "identity")
    guest.run("mkfs.ext4 -q -F /dev/xvdb && mount /dev/xvdb /mnt && cp -r /bed /mnt && umount /mnt && e2fsck -fn /dev/xvdb")
    net.file_both_ways(guest, host.dom0, DOM0, megabytes)


# A shell's commands: all of ours goes. The agent has to be on the serial port.
UNLOAD = ("for device in /sys/bus/xen/devices/*; do [ ! -e $device/driver ] || echo ${device##*/} > $device/driver/unbind; done; "
          f"for module in {ABOVE} xen-guest; do ! grep -q \"^$(echo $module | tr - _) \" /proc/modules || rmmod $module; done")


def unload(guest):
    """All of ours goes; the agent is on the serial port."""
    guest.run(UNLOAD)


def interrupts(guest, pattern):
    """How often each processor has been interrupted, by the lines of /proc/interrupts that match."""
    total = []
    for line in guest.run(f"grep -E '{pattern}' /proc/interrupts", check=False).out.splitlines():
        counts = [int(word) for word in line.split()[1:1 + guest.vcpus] if word.isdigit()]
        total = [a + b for a, b in zip(total, counts)] if total else counts
    return total
