# SPDX-License-Identifier: GPL-2.0-only
"""Guests that talk to each other over dom0's bridge."""
from xenbed import Nic, case

import _netfront as net


def pair(host, first, second):
    return host.guest(nics=[Nic()], **first).start(), host.guest(nics=[Nic()], **second).start()


def talk(one, other, seconds=1):
    """Everything that goes from guest to guest, IPv4 and IPv6, both ways."""
    ip, ip6 = other.nics.find(0).ip, other.nics.find(0).ip6
    for address in (ip, ip6):
        for size in (0, 56, 1452, 1472, 1473, 4000, 20000, 65500):
            try:
                net.ping(one, address, f"-c 3 -i 0.05 -W 3 -s {size}")
            except AssertionError as error:
                raise AssertionError(f"{error}\n{other.name}:\n{net.losses(other)}\ndom0:\n{net.losses(one.dom0)}") from None
        net.file_both_ways(one, other, address, 8)
        net.tcp(other, one, address, "", seconds)
        net.tcp(other, one, address, "-R", seconds)
    net.udp(other, one, ip, 1400, rate="5M", seconds=seconds)
    stream = net.Stream(other, one, ip, pieces=True)
    stream.wait(4)
    stream.stop()
    # Checksums of what is only filled in by the last one in the row: neither has seen a real wire.
    for guest in (one, other):
        text = guest.run("cat /proc/net/snmp").out.splitlines()
        for protocol, key in (("Tcp", "InCsumErrors"), ("Udp", "InCsumErrors"), ("Icmp", "InCsumErrors")):
            names, values = (line.split() for line in text if line.startswith(f"{protocol}:"))
            assert values[names.index(key)] == "0", f"{guest.name}: {protocol} {key} {values[names.index(key)]}"
        net.settled(guest)


@case(long=True, guest=False)
def pv_and_pvh(host):
    "A PV guest and a PVH guest: pings, files, TCP and UDP both ways, and no checksum error."
    talk(*pair(host, {"type": "pv"}, {"type": "pvh"}))


@case(long=True, guest=False)
def ours_and_intree(host):
    "A guest with our driver and one with the kernel's own, with offloads of all kinds."
    one, other = pair(host, {}, {"modules": "intree"})
    talk(one, other)
    for features in ("tx off", "tx on tso off gso off", "tso on gso on gro off", "gro on"):
        one.run(f"ethtool -K {one.interface()} {features}")
        net.file_both_ways(one, other, other.nics.find(0).ip, 4)


@case(long=True, guest=False)
def one_moves(host):
    "One of them is saved and restored, the other one's backend is restarted, while they talk."
    one, other = pair(host, {}, {})
    stream = net.Stream(other, one, other.nics.find(0).ip)
    one.save()
    one.restore()
    stream.wait(2)
    net.restart_backend(host, other)
    stream.wait(2)
    stream.stop()
    net.settled(one)
    net.settled(other)


@case(long=True, guest=False)
def busy(host):
    "Two guests with two processors and queues each: streams both ways, in jumbo frames, with flaps of one."
    with net.Queues(host, 2):
        one, other = pair(host, {"vcpus": 2}, {"vcpus": 2})
        for guest in (one, other):
            host.dom0.run(f"ip link set {guest.vif()} mtu 9000")
            guest.run(f"ip link set {guest.interface()} mtu 9000")
        streams = [net.Stream(other, one, other.nics.find(0).ip, pieces=turn % 2 == 1) for turn in range(2)]
        for _ in range(6):
            host.dom0.run(f"ip link set {one.vif()} down; sleep 0.3; ip link set {one.vif()} up")
            for stream in streams:
                stream.wait(1)
        for stream in streams:
            stream.stop()
