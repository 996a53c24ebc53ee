# SPDX-License-Identifier: GPL-2.0-only
"""A kernel with Xen support and none of the kernel's own front-ends, which watches its locks and its memory: every
device comes from us."""
from xenbed import Disk, Nic, case

import _blkfront as blk
import _fbfront as fb
import _kbdfront as kbd
import _netfront as net
from _guest import all_ours, sound
from xenbed.nic import DOM0
from xenbed.screen import key

KINDS = {"vbd": "xen-blkfront", "vif": "xen-netfront", "vfb": "xen-fbfront", "vkbd": "xen-kbdfront"}


ALL = {"kernel": "bare", "memory": 640, "vfb": True, "disks": [Disk("xvdb", size="192M")], "nics": [Nic()],
       "load": ["xen-blkfront", "xen-netfront", "xen:vfb", "xen:vkbd", "evdev"]}


def at_work(host, guest, megabytes):
    """Disk, network, screen and keyboard."""
    blk.selftests(guest, "identity")
    guest.run("mkfs.ext4 -q /dev/xvdb && mount /dev/xvdb /mnt && cp -r /bed /mnt && umount /mnt && e2fsck -fn /dev/xvdb")
    net.file_both_ways(guest, host.dom0, DOM0, megabytes)
    fb.connected(guest)
    fb.still(guest)
    wanted = fb.draw(guest)
    assert fb.shown(guest, "bare").digest == wanted, "what was drawn has changed"
    with kbd.Events(guest, kbd.KEYBOARD) as typed:
        guest.screen.send(key("x", True), key("x", False))
        assert typed.wait(2) == [("KEY_X", 1), ("KEY_X", 0)], typed.all()


@case(**ALL, type=["pv", "pvh"], long=["pvh"])
def everything(host, guest):
    "Every kind of device at work, its module out and in, saved and restored, at work again; then the kernel's books."
    all_ours(guest, KINDS)
    at_work(host, guest, 1)
    for kind, driver in KINDS.items():
        # A bound device keeps its driver's module.
        guest.run(f"cd /sys/bus/xen/drivers/{driver} && for device in {kind}-*; do echo $device > unbind; done; cd / && "
                  f"modprobe -r {driver} && modprobe {driver}")
    guest.wait_for("test -b /dev/xvdb", what="the disk is back")
    guest.nics.configure(0)
    guest.save()
    guest.restore()
    at_work(host, guest, 1)
    sound(guest)


@case(**ALL, vcpus=2, long=True)
def selftests(host, guest):
    "The drivers' own tests, under the eyes of lockdep."
    blk.selftests(guest, "identity", "limits", "flush", "verify", "filesystem", size=4, rounds=2)
    net.selftests(guest, "identity", "ping", "link", "stats")
    sound(guest)
