# SPDX-License-Identifier: GPL-2.0-only
"""Which name a disk of the toolstack's configuration gets in the guest."""
from xenbed import Disk, case

import _blkfront as blk

# As in xl.cfg, and as Linux users know it.
NAMES = {"hda": "xvda", "sdb": "xvdb", "xvdc1": "xvdc1", "sdd2": "xvdd2", "xvde": "xvde", "xvdp": "xvdp",
         "xvdq": "xvdq", "xvdaa": "xvdaa", "xvdab3": "xvdab3"}


def mark(host, disk):
    """The disk's first bytes say which one it is."""
    host.dom0.run(f"printf 'this is %-24s' {disk.vdev} | dd of={disk.target} conv=notrunc,fsync status=none")


def marks(guest, names):
    for vdev, name in names.items():
        guest.wait_for(f"test -b /dev/{name}", what=f"{vdev} as /dev/{name}")
        found = guest.run(f"head -c 32 /dev/{name}").out.split()[-1]
        assert found == vdev, f"/dev/{name} is {found}, not {vdev}"


@case(long=True, load=[])
def names(host, guest):
    "hdX and sdX are xvdX; a partition alone; disks beyond xvdp."
    # One by one: the toolstack gives the scripts of all disks that a guest begins with ten seconds together.
    for vdev in NAMES:
        mark(host, guest.attach_disk(Disk(vdev, size="8M")))
    guest.run("modprobe xen-blkfront")
    marks(guest, NAMES)
    found = sorted(guest.run("ls /sys/block | grep xvd").out.split())
    assert found == sorted(NAMES.values()), f"the guest's disks are {found}"
    # The first sixteen disks have sixteen minors each, the others 256.
    for name, number in {"xvda": "202:0", "xvdc1": "202:33", "xvdd2": "202:50", "xvde": "202:64",
                         "xvdp": "202:240"}.items():
        assert guest.run(f"cat /sys/block/{name}/dev").out.strip() == number, name
    numbers = guest.run("cat /sys/block/xvd*/dev").out.split()
    assert len(set(numbers)) == len(numbers), numbers


@case(long=True, disks=[Disk("xvdb", size="32M"), Disk("xvdc1", size="16M")])
def partitions(host, guest):
    "Partitions of a disk appear; a partition given as a disk is not searched for any."
    for disk in guest.disks:
        host.dom0.run(f"printf 'label: dos\\nstart=2048, size=4096\\nstart=8192\\n' | sfdisk -q {disk.target}")
        blk.rebind(guest, disk.vdev)
    guest.wait_for("test -b /dev/xvdb2")
    assert guest.run("cat /sys/block/xvdb/xvdb1/start /sys/block/xvdb/xvdb1/size").out.split() == ["2048", "4096"]
    assert guest.run("cat /sys/block/xvdb/xvdb2/start").out.strip() == "8192"
    guest.run("test ! -e /sys/block/xvdc1/xvdc1p1 && ! ls /sys/block/xvdc1 | grep -q ^xvdc1p")


@case(long=True, disks=[Disk("xvdb", size="16M")])
def same_name(host, guest):
    "A second disk of the same name is refused by a line in the log, and the first one stays."
    mark(host, guest.disks[0])
    marks(guest, {"xvdb": "xvdb"})
    since = blk.log_length(guest)
    for vdev in ("hdb", "sdb", "xvdb3"):
        twin = guest.attach_disk(Disk(vdev, size="8M"))
        blk.wait_until(lambda: len(blk.lines(guest, "is taken by another disk", since)) == 1,
                       lambda: f"a line about {vdev}; there are {blk.lines(guest, 'vbd', since)}", 30)
        assert len(guest.run("ls /sys/block | grep xvd").out.split()) == 1
        marks(guest, {"xvdb": "xvdb"})
        guest.detach_disk(twin, force=True)
        since = blk.log_length(guest)
    # Once the first is gone, the name is free.
    assert guest.detach_disk(guest.disks[0])
    blk.wait_until(lambda: not guest.run("test -e /sys/block/xvdb", check=False), "xvdb goes")
    twin = guest.attach_disk(Disk("sdb", size="8M"))
    mark(host, twin)
    marks(guest, {"sdb": "xvdb"})


@case(long=True, type="hvm", disks=[Disk("hda", size="32M"), Disk("xvdb", size="16M")])
def unplugged(host, guest):
    "In an HVM guest the emulated disk is unplugged and ours takes its place."
    for disk in guest.disks:
        mark(host, disk)
        guest.run(f"blockdev --flushbufs /dev/xvd{disk.vdev[-1]}", check=False)
    marks(guest, {"hda": "xvda", "xvdb": "xvdb"})
    guest.run("modprobe -a ata_piix sd_mod; sleep 3; ! ls /sys/block | grep -q '^[sh]d'")


@case(long=True, type="hvm", disks=[Disk("hda", size="32M"), Disk("xvdb", size="16M")], load=[],
      extra="xen_emul_unplug=unnecessary")
def left_plugged(host, guest):
    "An emulated disk that is not unplugged is left alone; a disk that exists once is served."
    for disk in guest.disks:
        mark(host, disk)
    guest.run("modprobe xen-blkfront; modprobe -a ata_piix sd_mod")
    marks(guest, {"xvdb": "xvdb", "hda": "sda"})
    guest.run("test ! -e /sys/block/xvda")
    assert blk.lines(guest, "is left to its emulated controller"), "no line says why xvda is not there"
