# SPDX-License-Identifier: GPL-2.0-only
"""What a guest can test of its own disks: tests/selftests/blkfront, on each kind of guest and backend."""
from xenbed import Disk, case

import _blkfront as blk

CORE = ("identity", "limits", "flush", "discard", "verify", "filesystem")


@case(disks=[Disk("xvdb", size="128M")])
def blkback(host, guest):
    "Every test of a disk behind xen-blkback."
    blk.selftests(guest, *CORE, "geometry", "readonly", "reload", size=4, rounds=2)


@case(long=True, disks=[Disk("xvdb", size="256M", backend="qdisk")])
def qdisk(host, guest):
    "A disk behind QEMU, in a raw file."
    blk.selftests(guest, *CORE, "geometry", "readonly")


@case(long=True, disks=[Disk("xvdb", size="128M", backend="qdisk", format="qcow2")])
def qcow2(host, guest):
    "A disk behind QEMU, in a qcow2 file."
    blk.selftests(guest, "identity", "limits", "verify", "filesystem", size=8)


@case(long=True, type=["pvh", "hvm"], disks=[Disk("xvdb", size="192M")])
def other_guest(host, guest):
    "The core tests in the other kinds of guest."
    blk.selftests(guest, *CORE, "reload", size=4, rounds=2)


@case(long=True, kernel=["6.12", "7.x"], memory=640, disks=[Disk("xvdb", size="192M")])
def newer_linux(host, guest):
    "The core tests with the newer kernels."
    blk.selftests(guest, *CORE, "reload", size=8, rounds=3)


@case(long=["pvh"], type=["pv", "pvh"], kernel="7.x", memory=640, disks=[Disk("xvdb", size="96M")])
def newest_linux(host, guest):
    "A disk with the newest kernel: what it can, a file system on it, and the driver out and in."
    blk.selftests(guest, "identity", "limits", "filesystem", "reload", rounds=1)


@case(long=True, disks=[Disk("xvdb", size="192M", sector=4096)])
def sectors_of_4k(host, guest):
    "A disk with logical sectors of 4096 bytes."
    assert guest.run("blockdev --getss /dev/xvdb").out.strip() == "4096"
    guest.run("! dd if=/dev/xvdb of=/dev/null bs=512 count=1 iflag=direct 2>/dev/null")
    blk.selftests(guest, *CORE, "geometry", size=8)


@case(long=True, disks=[Disk("xvdb", size="192M")], module_params={"xen-blkfront": "feature_persistent=0"})
def zero_copy(host, guest):
    "The backend maps the guest's own pages; or copies, when it is not to see more than the data."
    state = blk.state(guest)
    assert state["persistent-grants"] == 0 and state["bounce"] == 0, state
    blk.selftests(guest, "limits", "verify", "filesystem", size=8)
    blk.rebind(guest, settings="echo 0 > /sys/module/xen_blkfront/parameters/trusted")
    state = blk.state(guest)
    assert state["persistent-grants"] == 0 and state["bounce"] == 1, state
    blk.selftests(guest, "verify", "filesystem", size=8)


@case(long=True, memory=384, disks=[Disk("xvdb", size="192M")])
def low_memory(host, guest):
    "Next to no memory is left: I/O gets slow, and that is all."
    blk.selftests(guest, "lowmem")


@case(long=True, memory=768, disks=[Disk(f"xvd{letter}", size="64M") for letter in "bcdef"],
      module_params={"xen-blkfront": "max_ring_page_order=4 max_indirect_segments=256"})
def idle_memory(host, guest):
    "An idle disk with the largest rings costs less than 1 MiB; what a load took comes back."
    assert blk.state(guest)["ring-page-order"] == 4
    # The driver gives pages back when the backend has unmapped them: by default after a minute of disuse.
    unused = "/sys/module/xen_blkback/parameters/persistent_grant_unused_seconds"
    before = host.dom0.run(f"cat {unused}; echo 10 > {unused}").out.strip()
    blk.selftests(guest, "memory")
    host.dom0.run(f"echo {before} > {unused}")
