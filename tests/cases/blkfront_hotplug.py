# SPDX-License-Identifier: GPL-2.0-only
"""Disks that come, go, grow and change while the guest runs."""
from xenbed import Disk, case

import _blkfront as blk


def gone(guest, name):
    return not guest.run(f"test -e /sys/block/{name}", check=False)


# The toolstack starts a QEMU for a PV guest's disks only when the guest is made.
@case(long=["pvh"], type=["pv", "pvh"], disks=[Disk("xvdb", size="64M", backend="qdisk")])
def attach_and_detach(host, guest):
    "Disks are attached and detached ten times while another one is busy."
    load = blk.verified_load(guest)
    load.wait(1)
    for turn in range(10):
        disk = guest.attach_disk(Disk("xvdc", size="16M", backend="qdisk" if turn % 5 == 4 else "phy"))
        guest.wait_for("test -b /dev/xvdc", what="/dev/xvdc")
        assert guest.run("blockdev --getsize64 /dev/xvdc").out.strip() == str(16 << 20)
        guest.run(f"printf %-512s turn{turn} | dd of=/dev/xvdc oflag=direct conv=notrunc status=none")
        found = host.dom0.run(f"dd if={disk.file} bs=512 count=1 status=none").out.split()[0]
        assert found == f"turn{turn}", f"the backing file has {found}"
        name = blk.vbd(guest, "xvdc")
        result = guest.detach_disk(disk)
        assert result, f"xl block-detach: {result.err}"
        blk.wait_until(lambda: gone(guest, "xvdc"), "xvdc goes")
        guest.run(f"test ! -e /sys/kernel/debug/xenfront/{name} && test ! -e /dev/xvdc")
    load.wait(1)
    load.stop()


@case(disks=[Disk("xvdb", size="32M"), Disk("xvdc", size="32M")])
def detach_in_use(host, guest):
    "A mounted disk is not taken away; it goes when it is released."
    disk = guest.disks[1]
    guest.run("mkfs.ext4 -q -F /dev/xvdc && mkdir -p /mnt/c && mount /dev/xvdc /mnt/c && cp /bin/ls /mnt/c/")
    since = blk.log_length(guest)
    refusal = host.dom0.spawn(f"xl block-detach {guest.name} xvdc")
    blk.wait_until(lambda: blk.lines(guest, "asked to close but in use", since), "a line in the log")
    # It goes on working, however often it is asked.
    guest.run("cp /bin/cat /mnt/c/ && sync -f /mnt/c && echo 3 > /proc/sys/vm/drop_caches && cmp /bin/cat /mnt/c/cat")
    assert refusal.wait().rc != 0, "xl block-detach took away a mounted disk"
    guest.run("cmp /bin/ls /mnt/c/ls")
    assert len(blk.lines(guest, "asked to close but in use", since)) == 1
    front = f"/local/domain/{guest.id}/device/vbd/{blk.device_number(guest, disk.vdev)}"
    guest.run("umount /mnt/c")
    blk.wait_until(lambda: host.dom0.read(f"{front}/state") == "6", "the driver closes after umount")
    assert guest.detach_disk(disk), "xl block-detach of a released disk"
    blk.wait_until(lambda: gone(guest, "xvdc"), "xvdc goes")
    # The name is free for another disk.
    guest.attach_disk(Disk("xvdc", size="16M"))
    guest.wait_for("test -b /dev/xvdc")
    blk.selftests(guest, "identity")


@case(disks=[Disk("xvdb", size="32M"), Disk("xvdc", size="32M")], expect=[r"I/O error", r"Buffer I/O"])
def forced_detach(host, guest):
    "Taken away by force under I/O: that disk's I/O fails, the other's does not."
    load = blk.verified_load(guest)
    victim = guest.spawn("fio --name=victim --filename=/dev/xvdc --direct=1 --ioengine=libaio --rw=randwrite --bs=4k "
                         "--iodepth=8 --size=16m --time_based --runtime=600")
    load.wait(1)
    guest.detach_disk(guest.disks[1], force=True)
    assert victim.wait(timeout=240).rc != 0, "I/O to a disk that is gone has not failed"
    blk.wait_until(lambda: gone(guest, "xvdc"), "xvdc goes")
    load.wait(2)
    load.stop()


def resize(host, disk, size):
    host.dom0.run(f"truncate -s {size} {disk.file} && losetup -c {disk.target}")


@case(disks=[Disk("xvdb", size="64M")])
def resized(host, guest):
    "Grown and shrunk while a file system on it is busy; the guest sees the size at the next I/O."
    disk = guest.disks[0]
    files = blk.FileLoad(guest, "xvdb")
    files.wait(3)
    since = blk.log_length(guest)
    for size in (128, 96, 160):
        resize(host, disk, f"{size}M")
        blk.wait_until(lambda: guest.run("blockdev --getsize64 /dev/xvdb").out.strip() == str(size << 20),
                       f"the guest sees {size} MiB")
        assert blk.state(guest)["sectors"] == size << 11
        files.wait(2)
    assert len(blk.lines(guest, r"xvdb: \d+ sectors became \d+", since)) == 3
    guest.run("resize2fs /dev/xvdb && test $(df --output=size -m /mnt/xvdb | tail -1) -gt 130")
    files.wait(2)
    files.check()
    assert host.dom0.run(f"stat -c %s {disk.file}").out.strip() == str(160 << 20)
    guest.run("dd if=/dev/zero of=/dev/xvdb bs=1M seek=159 count=1 oflag=direct conv=notrunc status=none")


@case(long=True, disks=[Disk("xvdb", size="32M")])
def uevents(host, guest):
    "A new size is announced to user space by RESIZE=1."
    guest.push("import os,socket\ns=socket.socket(16,3,15)\ns.bind((0,1))\ns.settimeout(100)\n"
               "open('/tmp/listening','w').close()\n"
               "while True:\n d=s.recv(65536)\n if b'RESIZE=1' in d and b'xvdb' in d: break\n", "/tmp/uevent.py")
    listener = guest.spawn("python3 /tmp/uevent.py")
    guest.wait_for("test -e /tmp/listening")
    resize(host, guest.disks[0], "48M")
    guest.run("dd if=/dev/xvdb of=/dev/null bs=4k count=1 iflag=direct status=none")
    listener.wait(check=True, timeout=100)


@case(disks=[Disk("xvdb", size="32M", mode="r"), Disk("xvdc", size="32M", mode="r", backend="qdisk"),
             Disk("xvdd", size="32M")])
def read_only(host, guest):
    "Read-only disks cannot be written to and cannot be made writable."
    for name in ("xvdb", "xvdc"):
        blk.selftests(guest, "readonly", disk=name)
    guest.run("! mount -t ext4 -o rw /dev/xvdb /mnt 2>/dev/null; dd if=/dev/zero of=/dev/xvdd count=8 status=none")


# As programs ask whether it is a CD: CDROM_GET_CAPABILITY, and CDROMMULTISESSION.
ASK = """import fcntl
with open("/dev/%s", "rb") as disk:
    print(fcntl.ioctl(disk, 0x5331), fcntl.ioctl(disk, 0x5310, bytes(16)) == bytes(16))
"""


@case(disks=[Disk("xvdb", size="16M", mode="r", cdrom=True, backend="qdisk"), Disk("xvdc", size="16M")])
def cdrom(host, guest):
    "A CD-ROM is read-only, removable, and says that it is one."
    host.dom0.run(f"mkfs.ext4 -q -F -L medium {guest.disks[0].file}")
    assert guest.run("cat /sys/block/xvdb/ro /sys/block/xvdb/removable").out.split() == ["1", "1"]
    assert guest.run("cat /sys/block/xvdc/ro /sys/block/xvdc/removable").out.split() == ["0", "0"]
    guest.push(ASK % "xvdb", "/tmp/ask.py")
    assert guest.run("python3 /tmp/ask.py").out.split() == ["0", "True"]
    guest.push(ASK % "xvdc", "/tmp/ask.py")
    assert guest.run("python3 /tmp/ask.py", check=False).rc != 0
    guest.run("! dd if=/dev/zero of=/dev/xvdb count=1 oflag=direct 2>/dev/null")
    blk.selftests(guest, "identity", "readonly")
