# SPDX-License-Identifier: GPL-2.0-only
"""A whole Debian with the hooks of our package in its initramfs: it boots from our drivers, and the way back from the kernel's."""
from xenbed import Nic, case, report

GUEST = {"root": "xvda1", "memory": 512, "load": [], "nics": [Nic(address=False)], "vfb": True}


def status(guest):
    """Exit status and text of `xenfront status`."""
    guest.run("mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug")
    result = guest.run("xenfront status", check=False)
    return result.rc, result.out


def served(guest):
    """The devices by their kinds, each as the guest's sysfs has it; the root file system has to be on the Xen disk."""
    devices, root = report.look(guest)
    assert root == "/dev/xvda1", root
    return {device.name.partition("-")[0]: device for device in devices}


@case(**GUEST, type=["pv", "pvh"], long=["pv"])
def ours(host, guest):
    "Debian boots with its root on our driver, and the command says so of every device; a console with a name has a link."
    devices = served(guest)
    rc, text = status(guest)
    for kind in ("vbd", "vif", "vfb", "vkbd"):
        device = devices[kind]
        assert device.version != "-", f"{device.name} is served by {device.driver} ({device.file})"
        assert f"{device.name}  " in text and f"  {device.module} {device.version}" in text, text
    assert "not ours" not in text and "no driver" not in text, text
    assert rc == ("  ! " in text), f"exit status {rc} after\n{text}"
    guest.consoles.attach(1, name="org.example.bed")
    # udev loads the driver for it, which leaves it to the kernel's own unless told otherwise.
    guest.wait_for("test -e /sys/bus/xen/devices/console-1", what="the console is on the bus")
    guest.run("udevadm settle; modprobe -r xen-console; modprobe xen-console takeover=1")
    guest.wait_for("test \"$(readlink -f /dev/xen/console/org.example.bed)\" = /dev/xvc1", what="udev's link to the console", timeout=60)


@case(**GUEST, type=["pv", "pvh"], extra="module_blacklist=xenfront", long=True)
def way_back(host, guest):
    "With module_blacklist=xenfront the same Debian boots from the kernel's own drivers, and nothing of ours can be loaded."
    devices = served(guest)
    for kind in ("vbd", "vif", "vfb", "vkbd"):
        device = devices[kind]
        assert device.driver != "-", f"{device.name} has no driver"
        assert device.version == "-", f"{device.name} is served by ours, {device.file}"
    assert guest.run("dmesg | grep 'xenfront: refused by module_blacklist'", check=False), "nothing in the log"
    for name in ("xenfront", "xen-console", "xenfront-fb", "xenfront-kbd"):
        assert not guest.run(f"modprobe {name}", check=False), f"{name} was loaded"
    # What is loaded under a name of ours is the kernel's, and that is that.
    guest.run("modprobe xen-blkfront && modprobe xen-netfront && udevadm trigger && udevadm settle")
    assert not guest.run("test -e /sys/module/xenfront", check=False), "the library is there"
    assert guest.run("cat /sys/class/net/eth0/address", check=False), "there is no interface"
    rc, text = status(guest)
    assert rc == 1 and text.count("not ours") >= 4 and "refuses it" in text, f"exit status {rc} after\n{text}"
