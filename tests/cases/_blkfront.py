# SPDX-License-Identifier: GPL-2.0-only
"""What the cases of the block driver share."""
import re
import time

from xenbed import Skip

from _guest import lines, log_length, wait_until     # noqa: F401

DRIVER = "/sys/bus/xen/drivers/xen-blkfront"
BLKBACK = "/sys/bus/xen-backend/drivers/vbd"

# Passes of written and compared data, each with other contents, until it is told to stop.
LOAD = """#!/bin/sh
n=0
rm -f /tmp/$1.stop
while [ ! -e /tmp/$1.stop ]; do
	n=$((n + 1))
	fio --name=load --filename=/dev/$1 --direct=1 --ioengine=libaio --rw=randwrite --bssplit=$2 --size=$3 \\
		--iodepth=16 --serialize_overlap=1 --verify=crc32c --verify_fatal=1 --randseed=$n --minimal \\
		--output=/tmp/$1.fio || { cat /tmp/$1.fio; exit 1; }
	echo $n > /tmp/$1.passes
done
"""

# Files written and fsynced on a mounted ext4; their sums are kept in RAM.
FILES = """#!/bin/sh
set -e
rm -f /tmp/$1.stop
: > /tmp/$1.sums
n=0
while [ ! -e /tmp/$1.stop ]; do
	n=$((n + 1))
	head -c 300000 /dev/urandom > /tmp/$1.data
	dd if=/tmp/$1.data of=/mnt/$1/file$((n % 40)) bs=64k conv=fsync status=none
	sed -i "/file$((n % 40))\\$/d" /tmp/$1.sums
	sha256sum /tmp/$1.data | sed "s|/tmp/.*|/mnt/$1/file$((n % 40))|" >> /tmp/$1.sums
	echo $n > /tmp/$1.passes
done
"""


class Load:
    """Something that runs in the guest and counts its passes in /tmp/DISK.passes."""

    def __init__(self, guest, disk, command):
        self.guest, self.disk = guest, disk
        guest.run(f"rm -f /tmp/{disk}.stop; echo 0 > /tmp/{disk}.passes")
        self.process = guest.spawn(command)

    def passes(self):
        return int(self.guest.run(f"cat /tmp/{self.disk}.passes").out or 0)

    def wait(self, more=1, timeout=240):
        """Until it has made that many further passes."""
        goal, end = self.passes() + more, time.monotonic() + timeout
        while self.passes() < goal:
            assert self.process.running, f"the load on {self.disk} has ended: {self.process.result().out[-1500:]}"
            assert time.monotonic() < end, f"{self.disk}: less than {more} passes in {timeout} s"
            time.sleep(0.3)

    def stop(self):
        self.guest.run(f"touch /tmp/{self.disk}.stop")
        self.process.wait(check=True)


def verified_load(guest, disk="xvdb", sizes="4k/60:64k/30:512k/10", size="6m"):
    guest.push(LOAD, "/tmp/load.sh")
    return Load(guest, disk, f"/tmp/load.sh {disk} {sizes} {size}")


class FileLoad(Load):
    """Files on a mounted file system, which has to stay mounted."""

    def __init__(self, guest, disk="xvdc"):
        guest.push(FILES, "/tmp/files.sh")
        guest.run(f"mkfs.ext4 -q -F /dev/{disk} && mkdir -p /mnt/{disk} && mount /dev/{disk} /mnt/{disk}")
        self.disk = disk
        self.mounted = self.mount(guest)
        super().__init__(guest, disk, f"/tmp/files.sh {disk}")

    def mount(self, guest):
        """The mount's number, device and place, and whether the file system may be written to."""
        words = guest.run(f"grep ' /mnt/{self.disk} ' /proc/self/mountinfo", check=False).out.split()
        return words[:6] + words[-1:][0].split(",")[:1] if words else []

    def check(self):
        """Stops, and looks at every file from the disk itself."""
        self.stop()
        now = self.mount(self.guest)
        assert now == self.mounted, f"the mount was {self.mounted} and is {now}"
        self.guest.run(f"echo 3 > /proc/sys/vm/drop_caches; sha256sum --quiet -c /tmp/{self.disk}.sums")
        self.guest.run(f"umount /mnt/{self.disk} && fsck.ext4 -fn /dev/{self.disk}")


class Uninterrupted:
    """with Uninterrupted(guest): verified I/O on xvdb and files on xvdc go on across what happens inside."""

    def __init__(self, guest, connects=1):
        self.guest, self.connects = guest, connects

    def __enter__(self):
        self.load, self.files = verified_load(self.guest), FileLoad(self.guest)
        self.load.wait(1)
        self.files.wait(2)
        self.before = {disk: state(self.guest, disk)["connects"] for disk in ("xvdb", "xvdc")}
        self.identities = {disk: identity(self.guest, disk) for disk in ("xvdb", "xvdc")}
        return self

    def __exit__(self, kind, *_):
        if kind:
            return
        self.load.wait(2)
        self.files.wait(3)
        for disk, before in self.identities.items():
            now = state(self.guest, disk)
            assert identity(self.guest, disk) == before, f"{disk} is another gendisk"
            assert now["phase"] == "connected" and now["breaks"] == 0, now
            made = now["connects"] - self.before[disk]
            assert made >= self.connects, f"{disk} was connected {made} times, not {self.connects}"
        self.load.stop()
        self.files.check()


def selftests(guest, *scripts, disk="xvdb", **variables):
    """Runs scripts of selftests/blkfront one after the other; a script that skips all of itself is a failure."""
    words = " ".join(f"TEST_{name.upper()}={value}" for name, value in {"dev": f"/dev/{disk}", **variables}.items())
    problems = []
    for script in scripts:
        try:
            guest.selftest(f"blkfront/{script}.sh", words)
        except Skip as skip:
            problems.append(f"{script} was skipped: {skip}")
        except AssertionError as error:
            problems.append(str(error))
    assert not problems, "\n".join(problems)


def vbd(guest, disk="xvdb"):
    return guest.run(f"basename $(readlink -f /sys/block/{disk}/device)").out.strip()


def state_of(guest, name):
    """The driver's account of a vbd as a dictionary, with the rings' lines as a list under 'ring'."""
    values = {"ring": []}
    for line in guest.run(f"cat /sys/kernel/debug/xenfront/{name}/state").out.splitlines():
        key, _, value = line.partition(": ")
        if key.startswith("ring "):
            words = value.split()
            values["ring"].append(dict(zip(words[::2], map(int, words[1::2]))))
        else:
            values[key] = int(value) if re.fullmatch(r"\d+", value) else value
    return values


def state(guest, disk="xvdb"):
    return state_of(guest, vbd(guest, disk))


def identity(guest, disk="xvdb"):
    """Unlike its name, this differs when a gendisk was made anew."""
    return guest.run(f"cat /sys/block/{disk}/diskseq").out.strip()


def rebind(guest, disk="xvdb", settings=""):
    """The guest's driver lets go of the disk and takes it again; settings is shell in between."""
    name = vbd(guest, disk)
    guest.run(f"echo {name} > {DRIVER}/unbind; {settings or ':'}; echo {name} > {DRIVER}/bind")
    guest.wait_for(f"test -b /dev/{disk}", what=f"/dev/{disk} after unbind and bind")


def sha256(machine, path, megabytes, options=""):
    return machine.run(f"dd if={path} bs=1M count={megabytes} {options} status=none | sha256sum").out.split()[0]


def device_number(guest, disk):
    """The vbd's number in xenstore."""
    return vbd(guest, disk).rsplit("-", 1)[1]
