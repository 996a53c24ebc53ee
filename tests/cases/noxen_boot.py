# SPDX-License-Identifier: GPL-2.0-only
"""A kernel without Xen in an HVM guest: disk, network, keyboard, console and xenfs come from our modules alone."""
import re

from xenbed import Nic, case
from xenbed.screen import key

import _console as con
import _kbdfront as kbd
import _netfront as net
import _noxen as nox


@case(**nox.DEVICES, vcpus=[1, 4], long=["4"])
def everything(host, guest):
    "Every kind of device is ours and at work; what user space asks about Xen is there; then the kernel's books."
    assert not guest.kernel.has("XEN")
    nox.all_ours(guest, nox.KINDS)
    nox.at_work(host, guest)
    user_space(host, guest)
    nox.sound(guest)
    guest.shutdown()


def user_space(host, guest):
    """What udev, systemd, xenstore's tools and the toolstack's own agents look at."""
    said = {name: guest.run(f"cat /sys/hypervisor/{name}").out.strip() for name in
            ("type", "uuid", "version/major", "version/minor", "version/extra", "properties/features", "properties/capabilities")}
    uuid = host.dom0.run(f"xl domid {guest.name} > /dev/null; xenstore-read /local/domain/{guest.id}/vm").out.strip().removeprefix("/vm/")
    assert said["type"] == "xen" and said["uuid"] == uuid and said["version/major"] == "4", said
    assert "hvm-3.0-x86_64" in said["properties/capabilities"], said
    guest.run("modprobe xenfs && mkdir -p /tmp/xen && mount -t xenfs xenfs /proc/xen")
    assert guest.run("ls /proc/xen").out.split() == ["capabilities", "privcmd", "xenbus"], guest.run("ls /proc/xen").out
    assert guest.run("cat /proc/xen/capabilities").out == ""
    # By the device and by the file below /proc/xen.
    for path in ("/dev/xen/xenbus", "/proc/xen/xenbus"):
        assert guest.run(f"XENSTORED_PATH={path} xenstore-read domid").out.strip() == str(guest.id)
    names = guest.run("xenstore-ls device").out
    assert re.search(r"^vbd", names, re.M) and re.search(r'state = "4"', names), names
    guest.run("xenstore-write data/report 'of the guest'")
    assert host.dom0.read(f"/local/domain/{guest.id}/data/report") == "of the guest"
    watching = guest.spawn("exec timeout 60 xenstore-watch -n 2 data")
    nox.wait_until(lambda: b"data" in watching.stdout, "the watch is set")
    host.dom0.write(f"/local/domain/{guest.id}/data/from-dom0", "1")
    assert watching.wait(timeout=60).out.splitlines() == ["data", "data/from-dom0"], watching.result()
    # Names on the bus, and what udev gets to know.
    devices = guest.run("cd /sys/bus/xen/devices && for d in *; do echo $d $(cat $d/devtype $d/nodename $d/modalias $d/state); done").out
    assert re.search(r"^vbd-51728 vbd device/vbd/51728 xen:vbd Connected$", devices, re.M), devices
    assert re.search(r"^vif-0 vif device/vif/0 xen:vif Connected$", devices, re.M), devices
    event = guest.run("cat /sys/bus/xen/devices/vif-0/uevent").out
    assert "MODALIAS=xen:vif" in event and "DRIVER=xen-netfront" in event, event


@case(**nox.NOXEN, load=["xen-kbdfront"], long=True)
def keyboard(host, guest):
    "Keys and the pointer's places come by the vkbd that every HVM guest gets."
    with kbd.Events(guest, kbd.KEYBOARD) as typed:
        guest.screen.send(*[key(name, down) for name in "xen" for down in (True, False)])
        wanted = [(kbd.KEYS[name], down) for name in "xen" for down in (1, 0)]
        assert typed.wait(len(wanted)) == wanted, typed.all()


@case(**nox.NOXEN, agent_console="serial", long=True)
def login(host, guest):
    "Somebody logs in on hvc0 by xl console; what the kernel said before the console was there is seen first."
    guest.run("passwd -d root")
    getty = guest.spawn("while :; do setsid agetty -8 hvc0 linux; done")
    with con.Terminal(host, f"xl console -t pv {guest.name}") as person:
        assert "Linux version" in person.expect("login: $")
        person.send("root\n")
        person.expect("[#$] $")
        person.send("PS1='ready> '; tty; echo $((6 * 7))\n")
        assert "/dev/hvc0" in person.expect("42\r\n"), person.text
        person.expect("ready> $")
        person.send("exit\n")
        person.expect("login: $")
    getty.kill(9)


@case(**{**nox.DEVICES, "nics": [Nic()]}, vcpus=[1, 4], long=True)
def selftests(host, guest):
    "The drivers' own tests, unchanged."
    nox.blk.selftests(guest, "identity", "limits", "geometry", "flush", "verify", "filesystem", size=4, rounds=2)
    net.selftests(guest, "identity", "ping", "link", "stats", "ethtool")
    nox.sound(guest)
