# SPDX-License-Identifier: GPL-2.0-only
"""XDP in the driver, seen from both ends: pass, drop, send back, send on."""
import contextlib

from xenbed import Nic, case
from xenbed.nic import DOM0

import _netfront as net


def attach(guest, program, nic=0):
    guest.run(f"python3 {net.TOOLS}/xdp.py {program} /tmp/xdp.o && "
              f"ip -force link set {guest.interface(nic)} xdpdrv object /tmp/xdp.o section xdp")


def detach(guest, nic=0):
    guest.run(f"ip link set {guest.interface(nic)} xdpdrv off")


@contextlib.contextmanager
def counting(machine, interface):
    """A function that says how many different frames have come in."""
    path = f"/tmp/count-{next(net.PORTS)}"
    process = machine.spawn(f"python3 {net.TOOLS}/frames.py count {interface} {path}")
    net.wait_until(lambda: machine.run(f"test -e {path}", check=False), "the counter listens", 20)
    yield lambda: int(machine.run(f"cat {path}").out)
    machine.run(f"touch {path}.stop")
    process.wait(check=True)


def frames(host, guest, count, size, nic=0):
    host.dom0.run(f"python3 {net.TOOLS}/frames.py send {guest.vif(nic)} {guest.nics.find(nic).mac} {count} {size}")


@case(long=True, nics=[Nic()])
def in_the_guest(host, guest):
    "Programs that pass, drop and abort; on and off under traffic; jumbo frames; the stack's own XDP."
    net.selftests(guest, "xdp")
    net.file_both_ways(guest, host.dom0, DOM0, 4)
    net.settled(guest)


@case(long=True, nics=[Nic(), Nic()])
def tx_and_redirect(host, guest):
    "Frames go back where they came from, or out of another interface: every one, unchanged."
    net.put(host.dom0, "frames.py")
    for nic in (0, 1):
        # Raw frames that are sent into a vif come back by it, and the bridge need not hear of it.
        host.dom0.run(f"ip link set {guest.vif(nic)} nomaster")
    for size in (60, 500, 1500):
        attach(guest, "tx")
        with counting(host.dom0, guest.vif(0)) as seen:
            frames(host, guest, 3000, size)
            net.wait_until(lambda: seen() == 3000, lambda: f"all 3000 frames of {size} bytes come back, {seen()} have", 30)
        detach(guest)
        number = guest.run(f"cat /sys/class/net/{guest.interface(1)}/ifindex").out.strip()
        # The one that sends need not have a program of its own; some drivers want one.
        if not net.ours(guest):
            attach(guest, "pass", 1)
        attach(guest, f"redirect {number}")
        with counting(host.dom0, guest.vif(1)) as seen:
            frames(host, guest, 3000, size)
            net.wait_until(lambda: seen() == 3000, lambda: f"all 3000 frames of {size} bytes are redirected, {seen()} are", 30)
        detach(guest)
        if not net.ours(guest):
            detach(guest, 1)
    for nic in (0, 1):
        host.dom0.run(f"ip link set {guest.vif(nic)} master xenbr0")
    # Redirected to nowhere: dropped, and nothing is lost but the frames.
    attach(guest, "redirect 999")
    frames(host, guest, 1000, 200)
    detach(guest)
    net.file_both_ways(guest, host.dom0, DOM0, 4)
    for nic in (0, 1):
        net.settled(guest, nic=nic)


@case(long=True, nics=[Nic()])
def redirect_under_load(host, guest):
    "Frames are sent back while the same interface is busy with TCP; memory stays."
    net.put(host.dom0, "frames.py")
    stream = net.Stream(host.dom0, guest, DOM0)
    free = "echo 3 > /proc/sys/vm/drop_caches; sleep 1; awk '/^MemFree/ { print $2 }' /proc/meminfo"
    samples = []
    for _ in range(4):
        attach(guest, "tx")
        frames(host, guest, 20000, 1000)
        stream.wait(2)
        detach(guest)
        stream.wait(2)
        samples.append(int(guest.run(free).out))
    stream.stop()
    used = [before - after for before, after in zip(samples[1:], samples[2:])]
    assert min(used) < 1024, f"every 20000 frames cost {used} KiB"
    net.settled(guest)


@case(long=True, nics=[Nic()])
def no_headroom(host, guest):
    "A backend that leaves no room before a frame: the program is refused with an error, and at once."
    net.rebind(guest, settings=f"xenstore-write {guest.nic_backend()}/feature-xdp-headroom 0")
    guest.run(f"python3 {net.TOOLS}/xdp.py pass /tmp/xdp.o")
    result = guest.run(f"ip link set {guest.interface()} xdpdrv object /tmp/xdp.o section xdp", check=False, timeout=60)
    assert result.rc, "a program is attached although the backend leaves no headroom"
    assert "rror" in result.err, result.err
    net.ping(guest, DOM0)
    net.rebind(guest, settings=f"xenstore-write {guest.nic_backend()}/feature-xdp-headroom 1")
    attach(guest, "pass")
    net.ping(guest, DOM0)
    detach(guest)
    net.settled(guest)


@case(long=True, nics=[Nic()])
def kept(host, guest):
    "A program stays where it is when the backend goes and comes back, and over saving and restoring."
    attach(guest, "drop-proto 1")
    assert not guest.run(f"ping -c 1 -W 1 -q {DOM0}", check=False)
    with net.Uninterrupted(guest) as flow:
        net.restart_backend(host, guest)
        flow.stream.wait(1)
        guest.save()
        guest.restore()
        flow.stream.wait(1)
        guest.run(f"ip link show {guest.interface()} | grep prog/xdp")
        assert not guest.run(f"ping -c 1 -W 1 -q {DOM0}", check=False), "the program that drops ICMP has no effect any more"
    detach(guest)
    net.ping(guest, DOM0)


@case(long=True, guest=False)
def two_queues(host):
    "A program on two queues, and the number of queues changed under it."
    with net.Queues(host, 2):
        guest = host.guest(vcpus=2, nics=[Nic()]).start()
        attach(guest, "drop-proto 1")
        net.tcp(host.dom0, guest, DOM0, "-P 4", 1)
        net.tcp(host.dom0, guest, DOM0, "-P 4 -R", 1)
        if net.ours(guest):
            for number in (1, 2):
                guest.run(f"ethtool -L {guest.interface()} combined {number}")
                net.tcp(host.dom0, guest, DOM0, "-P 4 -R", 1)
                assert not guest.run(f"ping -c 1 -W 1 -q {DOM0}", check=False)
        detach(guest)
        net.ping(guest, DOM0)
        net.settled(guest)
        guest.destroy()
