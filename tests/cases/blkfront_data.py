# SPDX-License-Identifier: GPL-2.0-only
"""Where the data goes: the host's end of the disk holds what the guest wrote, and when."""
from xenbed import Disk, case

import _blkfront as blk


def blocks(host, disk):
    """Kilobytes that the backing file really occupies."""
    host.dom0.run(f"sync {disk.file}")
    return int(host.dom0.run(f"du -k {disk.file}").out.split()[0])


def discard_frees(host, guest):
    """Discarded blocks are gone from the backing file: blkdiscard and fstrim."""
    for disk in guest.disks[:2]:
        node = f"/dev/{disk.vdev}"
        guest.run(f"dd if=/dev/urandom of={node} bs=1M count=64 oflag=direct status=none")
        full = blocks(host, disk)
        assert full >= 60000, f"{disk.vdev}: the file has {full} KiB of 64 MiB"
        guest.run(f"blkdiscard -f -o 16M -l 32M {node}")
        less = blocks(host, disk)
        assert full - 33 * 1024 <= less <= full - 31 * 1024, f"{disk.vdev}: {full} KiB became {less}"
        guest.run(f"blkdiscard -f {node}")
        assert blocks(host, disk) < 2048, disk.vdev
        guest.run(f"mkfs.ext4 -q -F {node} && mount {node} /mnt && dd if=/dev/urandom of=/mnt/x bs=1M count=40 "
                  "conv=fsync status=none")
        full = blocks(host, disk)
        assert full > 40000, f"{disk.vdev}: the file has {full} KiB"
        guest.run("rm /mnt/x && sync && fstrim /mnt && umount /mnt")
        less = blocks(host, disk)
        assert less < full - 38000, f"{disk.vdev}: {full} KiB became {less} by fstrim"
        guest.run(f"fsck.ext4 -fn {node}")


@case(long=True, disks=[Disk("xvdb", size="64M"), Disk("xvdc", size="64M", backend="qdisk"),
                        Disk("xvdd", size="64M", backend="qdisk", format="qcow2")])
def arrives_and_goes(host, guest):
    "The backing file has what the guest wrote, the guest reads what the host wrote, and what is discarded is gone."
    for disk in guest.disks:
        guest.run(f"fio --name=w --filename=/dev/{disk.vdev} --direct=1 --ioengine=libaio --rw=randwrite --iodepth=32 "
                  f"--bssplit=512/20:4k/30:12k/10:64k/20:1m/20 --size=48m --serialize_overlap=1 --end_fsync=1")
        guests = blk.sha256(guest, f"/dev/{disk.vdev}", 64, "iflag=direct")
        empty = blk.sha256(host.dom0, "/dev/zero", 64)
        source = disk.file
        if disk.format == "qcow2":
            source = "/scratch/converted"
            host.dom0.run(f"qemu-img convert -U -O raw {disk.file} {source}")
        assert guests == blk.sha256(host.dom0, source, 64) != empty, disk.vdev
    disk = guest.disks[0]
    host.dom0.run(f"dd if=/dev/urandom of={disk.target} bs=1M count=64 conv=fsync status=none")
    assert blk.sha256(guest, "/dev/xvdb", 64, "iflag=direct") == blk.sha256(host.dom0, disk.target, 64)
    discard_frees(host, guest)


TRACE = "/sys/kernel/tracing"
EVENTS = f"{TRACE}/events/block/block_rq_issue {TRACE}/events/block/block_rq_complete"


def flushes(host, disk):
    return int(host.dom0.run(f"cat /sys/block/{disk.target.rsplit('/', 1)[1]}/stat").out.split()[15])


def traced(host, disk, work):
    """[(issue or complete, flags, place)] of the requests that the disk's device in dom0 gets meanwhile."""
    number = int(disk.target.rsplit("/dev/loop", 1)[1])
    host.dom0.run(f"mountpoint -q {TRACE} || mount -t tracefs tracefs {TRACE}; cd {TRACE}; echo 0 > tracing_on; echo > trace; "
                  f"echo 8192 > buffer_size_kb; for e in {EVENTS}; do echo 'dev == {7 << 20 | number}' > $e/filter; "
                  "echo 1 > $e/enable; done; echo 1 > tracing_on")
    work()
    text = host.dom0.run(f"cd {TRACE}; echo 0 > tracing_on; cat trace; for e in {EVENTS}; do echo 0 > $e/enable; done").out
    events = []
    for line in text.splitlines():
        if ": block_rq_" in line:
            event, _, words = line.partition(": block_rq_")[2].partition(": ")
            words = words.split()
            plus = words.index("+")
            events.append((event, words[1], " ".join(words[plus - 1:plus + 2])))
    return events


@case(disks=[Disk("xvdb", size="64M")])
def flush_reaches_the_disk(host, guest):
    "Each fsync of the guest is a flush at the backing device, after the data and not before."
    disk = guest.disks[0]
    fio = "fio --filename=/dev/xvdb --direct=1 --ioengine=psync --rw=randwrite --fsync=1"
    events = traced(host, disk, lambda: guest.run(
        f"{fio} --name=small --bs=32k --size=1m && {fio} --name=large --bs=256k --size=2m"))
    written, flushed, in_flight = 0, 0, {}
    for event, flags, place in events:
        if flags.startswith("F") and event == "issue":
            flushed += 1
            assert not in_flight, f"flush number {flushed} was issued before these writes were done: {in_flight}"
        elif flags.startswith("W") and not place.endswith("+ 0"):
            if event == "issue":
                in_flight[place] = flags
                written += 1
            else:
                in_flight.pop(place)
    # fio leaves out the fsync after the last write of each job.
    assert written >= 40 and flushed >= 38, f"32 + 8 writes were {written}, with {flushed} flushes: {events[-10:]}"

    before = flushes(host, disk)
    guest.run("mkfs.ext4 -q -F /dev/xvdb && mount /dev/xvdb /mnt && for i in $(seq 30); do "
              "dd if=/dev/urandom of=/mnt/f$i bs=32k count=1 conv=fsync status=none; done")
    made = flushes(host, disk) - before
    assert made >= 30, f"30 fsyncs on ext4 were {made} flushes at the backing device"
    guest.run("umount /mnt && fsck.ext4 -fn /dev/xvdb")


ERRORS = """import mmap, os, sys
from concurrent.futures import ThreadPoolExecutor
fd = os.open("/dev/xvdb", os.O_RDWR | os.O_DIRECT)
def access(at, size=512, write=False):
    buffer = mmap.mmap(-1, 4096)
    view = memoryview(buffer)[:size]
    try:
        if write:
            view[:] = bytes([at // 512 % 251]) * size
            return os.pwritev(fd, [view], at) == size
        return os.preadv(fd, [view], at) == size and (at < 0 or bytes(view) == bytes([at // 512 % 251]) * size or "data")
    except OSError as error:
        return error.errno
bad = range(8200 * 512, 8208 * 512, 512)
every = range(8100 * 512, 8300 * 512, 512)
with ThreadPoolExecutor(16) as pool:
    for write in (True, False):
        for at, result in zip(every, pool.map(lambda at: access(at, 512, write), every)):
            expected = 5 if at in bad else True
            if result != expected:
                sys.exit("%s of sector %d: %r, not %r" % ("write" if write else "read", at // 512, result, expected))
print("as expected")
"""


@case(long=True, guest=False, expect=[r"I/O error, dev", r"Buffer I/O error"])
def backend_error(host):
    "Sectors that the host cannot read fail with EIO, and only they."
    loop = host.dom0.run("truncate -s 64M /scratch/bad && losetup -f --show /scratch/bad").out.strip()
    host.dom0.run(f"modprobe dm-mod && printf '0 8200 linear {loop} 0\\n8200 8 error\\n8208 122864 linear {loop} 8208\\n' | "
                  "dmsetup create bad && dmsetup mknodes && test -e /dev/mapper/bad")
    try:
        guest = host.guest(disks=[Disk("xvdb", target="/dev/mapper/bad"), Disk("xvdc", size="32M")]).start()
        load = blk.verified_load(guest, "xvdc")
        guest.push(ERRORS, "/tmp/errors.py")
        assert guest.run("python3 /tmp/errors.py").out.strip() == "as expected"
        # One large request across the place fails as a whole; what is beside it does not.
        guest.run("! dd if=/dev/xvdb of=/dev/null bs=1M skip=4 count=1 iflag=direct 2>/dev/null")
        guest.run("dd if=/dev/xvdb of=/dev/null bs=1M count=4 iflag=direct status=none && "
                  "dd if=/dev/xvdb of=/dev/null bs=1M skip=5 count=8 iflag=direct status=none")
        assert blk.state(guest)["breaks"] == 0 and blk.state(guest)["connects"] == 1
        load.wait(1)
        load.stop()
        guest.destroy()
    finally:
        host.dom0.run(f"dmsetup remove --retry bad; losetup -d {loop}; rm -f /scratch/bad", check=False)


@case(long=True, guest=False)
def multi_queue(host):
    "Four vCPUs: a ring for each, as far as the backend goes, each with its own interrupt on its own CPU."
    parameter = "/sys/module/xen_blkback/parameters/max_queues"
    before = host.dom0.run(f"cat {parameter}").out.strip()
    for offered, rings in ((8, 4), (2, 2)):
        host.dom0.run(f"echo {offered} > {parameter}")
        try:
            guest = host.guest(vcpus=4, memory=768, disks=[Disk("xvdb", size="64M")]).start()
        finally:
            host.dom0.run(f"echo {before} > {parameter}")
        assert guest.run("nproc").out.strip() == "4"
        state = blk.state(guest)
        assert state["rings"] == rings == len(state["ring"]), f"{offered} queues offered: {state}"
        for cpu in range(4):
            guest.run(f"taskset -c {cpu} dd if=/dev/xvdb of=/dev/null bs=4k count=200 iflag=direct status=none")
        for number, ring in enumerate(blk.state(guest)["ring"]):
            assert ring["requests"] >= 190 * 4 // rings, f"ring {number} of {rings}: {ring}"
        interrupts(guest, rings)
        blk.selftests(guest, "identity", "limits", "verify", size=4)
        guest.destroy()


def interrupts(guest, rings):
    """Each ring's interrupt arrives on CPUs that no other ring's arrives on."""
    homes = []
    for line in guest.run("grep xvdb /proc/interrupts").out.splitlines():
        counts = [int(word) for word in line.split()[1:5]]
        homes.append({cpu for cpu, count in enumerate(counts) if count > max(20, sum(counts) // 4)})
    assert len(homes) == rings, f"{len(homes)} interrupts for {rings} rings"
    for number, home in enumerate(homes):
        assert home, f"the interrupt of ring {number} went nowhere"
        for other in homes[:number]:
            assert not home & other, f"interrupts of two rings on the same CPU: {homes}"
