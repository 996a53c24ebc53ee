# SPDX-License-Identifier: GPL-2.0-only
"""Disks that come, go, grow and change while the guest runs."""
from xenbed import Disk, case

import _blkfront as blk


def gone(guest, name):
    return not guest.run(f"test -e /sys/block/{name}", check=False)


# The toolstack starts a QEMU for a PV guest's disks only when the guest is made.
@case(long=True, type=["pv", "pvh"], disks=[Disk("xvdb", size="64M", backend="qdisk")])
def attach_and_detach(host, guest):
    "Disks are attached and detached five times while another one is busy."
    load = blk.verified_load(guest)
    load.wait(1)
    for turn in range(5):
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


@case(long=True, disks=[Disk("xvdb", size="32M"), Disk("xvdc", size="32M")])
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


@case(long=True, disks=[Disk("xvdb", size="32M"), Disk("xvdc", size="32M")], expect=[r"I/O error", r"Buffer I/O"])
def forced_detach(host, guest):
    "Taken away by force under I/O: that disk's I/O fails, the other's does not, and its name is free at once."
    load = blk.verified_load(guest)
    holder = guest.spawn("exec sleep 100000 < /dev/xvdc")
    victim = guest.spawn("fio --name=victim --filename=/dev/xvdc --direct=1 --ioengine=libaio --rw=randwrite --bs=4k "
                         "--iodepth=8 --size=16m --time_based --runtime=600")
    load.wait(1)
    guest.detach_disk(guest.disks[1], force=True)
    assert victim.wait(timeout=240).rc != 0, "I/O to a disk that is gone has not failed"
    blk.wait_until(lambda: gone(guest, "xvdc"), "xvdc goes")
    load.wait(2)
    assert holder.running, "the device that is gone is not open any more"
    guest.attach_disk(Disk("xvdc", size="16M"))
    guest.wait_for("test \"$(cat /sys/block/xvdc/size)\" = 32768", what="the next xvdc")
    guest.run("dd if=/dev/urandom of=/dev/xvdc bs=1M count=16 oflag=direct status=none")
    holder.kill(9)
    load.wait(2)
    load.stop()


# Ends when the kernel tells user space that xvdb has another size.
LISTEN = """import socket
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15)
netlink.bind((0, 1))
open("/tmp/listening", "w").close()
while True:
    message = netlink.recv(65536)
    if b"RESIZE=1" in message and b"xvdb" in message:
        break
"""


def resize(host, disk, size):
    host.dom0.run(f"truncate -s {size} {disk.file} && losetup -c {disk.target}")


@case(long=True, disks=[Disk("xvdb", size="64M")])
def resized(host, guest):
    "Grown and shrunk while a file system on it is busy; the guest sees the size at the next I/O."
    disk = guest.disks[0]
    files = blk.FileLoad(guest, "xvdb")
    files.wait(3)
    since = blk.log_length(guest)
    guest.push(LISTEN, "/tmp/uevent.py")
    listener = guest.spawn("python3 /tmp/uevent.py")
    guest.wait_for("test -e /tmp/listening")
    for size in (128, 96, 160):
        resize(host, disk, f"{size}M")
        blk.wait_until(lambda: guest.run("blockdev --getsize64 /dev/xvdb").out.strip() == str(size << 20),
                       f"the guest sees {size} MiB")
        assert blk.state(guest)["sectors"] == size << 11
        files.wait(2)
    assert len(blk.lines(guest, r"xvdb: \d+ sectors became \d+", since)) == 3
    listener.wait(check=True, timeout=100)
    guest.run("resize2fs /dev/xvdb && test $(df --output=size -m /mnt/xvdb | tail -1) -gt 130")
    files.wait(2)
    files.check()
    assert host.dom0.run(f"stat -c %s {disk.file}").out.strip() == str(160 << 20)
    guest.run("dd if=/dev/zero of=/dev/xvdb bs=1M seek=159 count=1 oflag=direct conv=notrunc status=none")


# As programs ask whether it is a CD: CDROM_GET_CAPABILITY, and CDROMMULTISESSION.
ASK = """import fcntl, sys
with open(sys.argv[1], "rb") as disk:
    print(fcntl.ioctl(disk, 0x5331), fcntl.ioctl(disk, 0x5310, bytes(16)) == bytes(16))
"""


# QEMU 7.2 does not bring up a read-only disk that is no CD-ROM: the guest never gets the device.
@case(long=True, disks=[Disk("xvdb", size="32M", mode="r"), Disk("xvdd", size="16M", mode="r", cdrom=True, backend="qdisk"), Disk("xvde", size="32M", discard=False)])
def kinds(host, guest):
    "Read-only disks, a CD-ROM, a disk without discard: what they cannot do is refused, and they say what they are."
    for name in ("xvdb", "xvdd"):
        blk.selftests(guest, "readonly", disk=name)
    guest.run("! mount -t ext4 -o rw /dev/xvdb /mnt 2>/dev/null")

    assert guest.run("cat /sys/block/xvdd/ro /sys/block/xvdd/removable").out.split() == ["1", "1"]
    assert guest.run("cat /sys/block/xvde/ro /sys/block/xvde/removable").out.split() == ["0", "0"]
    guest.push(ASK, "/tmp/ask.py")
    assert guest.run("python3 /tmp/ask.py /dev/xvdd").out.split() == ["0", "True"]
    assert guest.run("python3 /tmp/ask.py /dev/xvde", check=False).rc != 0

    assert blk.state(guest, "xvde")["discard"] == 0
    guest.run("test $(cat /sys/block/xvde/queue/discard_max_bytes) = 0 && ! blkdiscard -f /dev/xvde")
    blk.selftests(guest, "discard", "flush", disk="xvde")
