# SPDX-License-Identifier: GPL-2.0-only
"""The driver that serves the guest's disk or interface: the kernel's or ours, exchanged in the running guest."""
from xenbed import modules
from xenbed.disk import Disk
from xenbed.mux import CommandFailed
from xenbed.progress import BedError

DISK = "xvda"
# null_blk as it is when loaded without parameters: answers from a softirq, at once, and keeps no data.
NULL = {"irqmode": 1, "hw_queue_depth": 64}
BUS = "/sys/bus/xen"
DEBUGFS = "/sys/kernel/debug/xenfront"


class Driver:
    """files: module files in the order of insmod; the last one is the driver of the devices."""
    def __init__(self, guest, name, files, params=""):
        self.guest, self.name, self.files, self.params = guest, name, files, params

    def load(self):
        commands = [f"insmod {path} {self.params if path == self.files[-1] else ''}" for path in self.files]
        self.guest.run(" && ".join(commands))
        self.verify()
        self.attach()

    def wait(self):
        self.guest.wait_for(f"test \"$(cat /sys/block/{DISK}/size 2>/dev/null || echo 0)\" -gt 0",
                            what=f"{self.name}: /dev/{DISK}")

    @property
    def module(self):
        return modules.canonical(self.files[-1])

    def verify(self):
        """What is loaded must be the file that was meant, by its srcversion (the kernel's own has none)."""
        meant = self.guest.run(f"modinfo -F srcversion {self.files[-1]}").out.strip()
        loaded = self.guest.run(f"cat /sys/module/{self.module}/srcversion 2>/dev/null; true").out.strip()
        if meant != loaded:
            raise BedError(f"{self.name}: srcversion {loaded!r} is loaded, {self.files[-1]} has {meant!r}")

    def attach(self):
        """A new device for each driver: the kernel's does not connect again to one that it, or ours, has closed."""
        self.disk = self.guest.attach_disk(Disk(DISK, backend="null", size="64G", null=NULL))
        self.wait()

    def detach(self):
        detached = self.guest.detach_disk(self.disk)
        if not detached:
            raise CommandFailed("dom0", f"xl block-detach {DISK} from {self.name}", detached)

    def unload(self):
        self.detach()
        for path in reversed(self.files):
            self.guest.run(f"rmmod {modules.canonical(path)}")

    def __enter__(self):
        self.load()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.unload()


class NetDriver(Driver):
    """The vif is there all the time: either driver connects to it anew."""

    def attach(self):
        self.wait()

    def wait(self):
        self.guest.nics.configure(0)

    def detach(self):
        # The bus pins a driver's module while a device is bound.
        self.guest.run(f"cd {BUS}/devices; for d in vif-*; do echo $d > $d/driver/unbind; done")


def intree(guest, params=""):
    release = guest.kernel.release
    return Driver(guest, "in-tree", [f"/lib/modules/{release}/kernel/drivers/block/xen-blkfront.ko"], params)


def ours(guest, params=""):
    folder = f"/lib/modules/{guest.kernel.release}/updates"
    return Driver(guest, "xenfront", [f"{folder}/xenfront.ko", f"{folder}/xen-blkfront.ko"], params)


def net_intree(guest):
    return NetDriver(guest, "in-tree", [f"/lib/modules/{guest.kernel.release}/kernel/drivers/net/xen-netfront.ko"])


def net_ours(guest):
    folder = f"/lib/modules/{guest.kernel.release}/updates"
    return NetDriver(guest, "xenfront", [f"{folder}/xenfront.ko", f"{folder}/xen-netfront.ko"])
