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
    complete(host, guest)
    guest.shutdown()


@case(**{**nox.DEVICES, "kernel": "noxen-cloud"}, vcpus=4, long=True)
def distribution(host, guest):
    "The same with a kernel that is configured as a distribution's is; then it is saved and restored."
    complete(host, guest)
    guest.save()
    guest.restore()
    nox.all_ours(guest, nox.KINDS)
    nox.at_work(host, guest)
    nox.sound(guest)
    guest.shutdown()


@case(**{**nox.NOXEN, "kernel": "noxen-small", "disks": nox.DEVICES["disks"], "load": ["xen-blkfront"]}, long=True)
def small(host, guest):
    "A kernel without SMP, suspend, page_pool and input devices: what is left works, and what it cannot do is not offered."
    nox.all_ours(guest, {"vbd": nox.KINDS["vbd"]})
    nox.blk.selftests(guest, "identity", "verify")
    assert nox.lines(guest, "a vector of each vCPU"), guest.run("dmesg | grep xen-guest").out
    assert guest.run("xenstore-read domid").out.strip() == str(guest.id)
    # The toolstack makes each of them, empty.
    offered = {word: host.dom0.read(f"/local/domain/{guest.id}/control/feature-{word}") for word in ("poweroff", "reboot", "suspend")}
    assert [word for word, value in offered.items() if value == "1"] == ["poweroff", "reboot"], offered
    nox.sound(guest)
    guest.shutdown()


def complete(host, guest):
    assert not guest.kernel.has("XEN")
    nox.all_ours(guest, nox.KINDS)
    nox.at_work(host, guest)
    user_space(host, guest)
    nox.sound(guest)


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


# io/xs_wire.h: a message is type, id, transaction and length, then the body.
DEAF = """
import os, select, signal, struct
WATCH, READ, WRITE, EVENT = 4, 2, 11, 15
def ask(file, kind, body):
    os.write(file, struct.pack("<4I", kind, 0, 0, len(body)) + body)
def take(file, size):
    data = b""
    while len(data) < size:
        data += os.read(file, size - len(data))
    return data
def message(file):
    kind, _, _, size = struct.unpack("<4I", take(file, 16))
    return kind, take(file, size)
deaf, other = (os.open("/dev/xen/xenbus", os.O_RDWR) for _ in range(2))
ask(deaf, WATCH, b"data/busy\\0token\\0")
for number in range(1500):
    ask(other, WRITE, b"data/busy\\0%d" % number)
    assert message(other) == (WRITE, b"OK\\0")
signal.alarm(60)
poll = select.poll()
poll.register(deaf, select.POLLIN | select.POLLOUT)
assert poll.poll(0) == [(deaf, select.POLLIN | select.POLLOUT)], poll.poll(0)
ask(deaf, READ, b"data/busy\\0")
said = []
while not said or said[-1][0] != READ:
    said.append(message(deaf))
print(sum(kind == EVENT for kind, _ in said), said[-1][1].decode())
"""


@case(**nox.NOXEN, load=[], long=True)
def unread_events(host, guest):
    "A program that reads no events misses some of them, and has its requests answered all the same."
    guest.push(DEAF, "/tmp/deaf")
    events, value = guest.run("python3 /tmp/deaf").out.split()
    assert value == "1499" and 1000 < int(events) < 1030, (events, value)
    nox.sound(guest)


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
