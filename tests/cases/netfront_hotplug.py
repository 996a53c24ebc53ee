# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces that come and go while the guest runs."""
import re

from xenbed import Nic, case
from xenbed.nic import DOM0

import _netfront as net
from _guest import granted_pages, mapped_grants


def gone(guest, name):
    return not guest.run(f"test -e /sys/class/net/{name}", check=False)


def detached(host, guest, nic, name):
    vif, bus = guest.vif(nic), net.read_bus(guest, nic)
    result = guest.detach_nic(nic)
    assert result, f"xl network-detach: {result.err}"
    net.wait_until(lambda: gone(guest, name), f"{name} goes")
    net.wait_until(lambda: not host.dom0.run(f"test -e /sys/class/net/{vif}", check=False), f"dom0's {vif} goes")
    guest.run(f"test ! -e /sys/kernel/debug/xenfront/{bus} && test ! -e /sys/bus/xen/devices/{bus}")


@case(long=True, type=["pv", "pvh"], nics=[Nic()])
def attach_and_detach(host, guest):
    "Interfaces are attached, used and detached ten times while another one is busy; nothing is left of them."
    with net.Uninterrupted(guest) as flow:
        references, ports = [], []
        for turn in range(10):
            nic = guest.attach_nic(Nic(address=False))
            name = guest.nics.wait(nic)
            guest.run(f"ip link set {name} up; ip addr add 10.9.8.2/24 dev {name}")
            host.dom0.run(f"ip link set {guest.vif(nic)} nomaster; ip addr add 10.9.8.1/24 dev {guest.vif(nic)}")
            guest.wait_for(f"ping -c 1 -W 1 -q -I {name} 10.9.8.1", what=f"dom0 answers through {name} of turn {turn}")
            net.ping(guest, "10.9.8.1", "-f -c 200 -s 4000 -W 3")
            nodes = host.dom0.run(f"xenstore-ls /local/domain/{guest.id}/device/vif/{guest.nics.handle(nic)}").out
            references += [int(n) for n in re.findall(r'[rt]x-ring-ref = "(\d+)"', nodes)]
            ports += [int(n) for n in re.findall(r'event-channel[-rtx]* = "(\d+)"', nodes)]
            detached(host, guest, nic, name)
            flow.stream.wait(1)
        # A queue's buffers are hundreds of references: were they kept, the numbers would go on growing.
        assert max(references[10:]) - max(references[:4]) < 600, f"grant references grow: {references}"
        assert max(ports[10:]) - max(ports[:4]) < 6, f"event channels grow: {ports}"


@case(long=True, nics=[Nic(), Nic(address=False)])
def detach_under_traffic(host, guest):
    "Detached while packets fly both ways, again and again: it goes within seconds, the other one does not notice."
    with net.Uninterrupted(guest) as flow:
        nic = guest.nics.find(1)
        for turn in range(4):
            name = guest.nics.wait(nic)
            guest.run(f"ip link set {name} up; ip addr add 10.9.8.2/24 dev {name}")
            vif = guest.vif(nic)
            host.dom0.run(f"ip link set {vif} nomaster; ip link set {vif} up; ip addr add 10.9.8.1/24 dev {vif}")
            guest.wait_for("ping -c 1 -W 1 -q 10.9.8.1", what="dom0 answers")
            server = host.dom0.spawn("iperf3 -s -1 -p 5999")
            busy = [guest.spawn("iperf3 -c 10.9.8.1 -p 5999 -t 600 --bidir -P 2"),
                    guest.spawn(f"ping -f -q -s 9000 -I {name} 10.9.8.1"),
                    host.dom0.spawn("ping -f -q -s 9000 10.9.8.2")]
            guest.run("sleep 2")
            assert busy[0].running, busy[0].result()
            detached(host, guest, nic, name)
            for process in [*busy, server]:
                process.kill(9)
                process.wait()
            flow.stream.wait(1)
            if turn < 3:
                nic = guest.attach_nic(Nic(address=False))


@case(long=True, nics=[Nic(), Nic(address=False)])
def forced_detach(host, guest):
    "Taken away by force under traffic: no hang, no warning; another one can take its number."
    nic, name = guest.nics.find(1), guest.nics.wait(1)
    with net.Uninterrupted(guest) as flow:
        guest.run(f"ip link set {name} up; ip addr add 10.9.8.2/24 dev {name}")
        busy = guest.spawn(f"ping -f -q -s 9000 -I {name} 10.9.8.255 -b")
        handle, back = guest.nics.handle(nic), guest.nic_backend(nic)
        front = host.dom0.read(f"{back}/frontend")
        host.dom0.run(f"xenstore-rm {front}; xenstore-rm /libxl/{guest.id}/device/vif/{handle}; "
                      f"xenstore-write {back}/online 0 {back}/state 5")
        net.wait_until(lambda: gone(guest, name), f"{name} goes")
        busy.kill(9)
        busy.wait()
        guest.nics.all.remove(nic)
        flow.stream.wait(1)
        again = guest.attach_nic(Nic())
        guest.nics.configure(again)
        flow.stream.wait(1)
    net.settled(guest, nic=again)


@case(long=True, nics=[Nic()])
def module_reload(host, guest):
    "The driver let go of under traffic, and the modules out and in again; no memory is lost."
    net.selftests(guest, "reload", "ping", rounds=4)
    net.settled(guest)
    net.file_both_ways(guest, host.dom0, DOM0, 4)


@case(long=True, vcpus=2, nics=[Nic(), Nic()], load=[])
def no_leak(host, guest):
    "After the driver has gone no page more of the guest is granted or mapped than before it came; three times."
    def grants():
        return mapped_grants(host, guest.id), granted_pages(guest)

    before = grants()
    for turn in range(3):
        guest.run("modprobe xen-netfront")
        for nic in (0, 1):
            guest.nics.configure(nic)
        net.file_both_ways(guest, host.dom0, DOM0, 4)
        mapped, granted = grants()
        # Two interfaces with their rings and their receive buffers.
        assert mapped >= before[0] + 4 and granted >= before[1] + 400, (
            f"mapped {mapped}, granted {granted} with two interfaces, {before} without: not what was to be measured")
        folder = net.driver(guest)
        for nic in (0, 1):
            guest.run(f"echo {net.read_bus(guest, nic)} > {folder}/unbind")
        guest.run("rmmod xen-netfront")
        net.wait_until(lambda: grants() == before, lambda: f"(mapped, granted) {grants()} without the driver, {before} before", 30)
