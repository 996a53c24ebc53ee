# SPDX-License-Identifier: GPL-2.0-only
"""The interface as a link: MTU, addresses, VLANs, multicast, losses on the way."""
from xenbed import Nic, case
from xenbed.nic import DOM0, DOM0_V6

import _netfront as net


@case(long=True, nics=[Nic()])
def in_the_guest(host, guest):
    "Up, down, MTU, addresses, modes; bridge, bond, macvlan, VLAN and netconsole above it."
    net.selftests(guest, "link", "upper")
    net.settled(guest)


class Jumbo:
    """with Jumbo(host, guest, 9000): that MTU on dom0's side, too."""

    def __init__(self, host, guest, mtu):
        self.dom0, self.vif, self.mtu = host.dom0, guest.vif(), mtu

    def __enter__(self):
        self.dom0.run(f"ip link set {self.vif} mtu {self.mtu} && ip link set xenbr0 mtu {self.mtu}")

    def __exit__(self, *_):
        self.dom0.run(f"ip link set {self.vif} mtu 1500; ip link set xenbr0 mtu 1500", check=False)


def jumbo(host, guest):
    """MTU 1280 to 9000 at both ends: whole packets, files, and pings of every kind."""
    name, guest_ip = guest.interface(), guest.nics.find(0).ip
    for mtu in (1280, 4000, 9000):
        guest.run(f"ip link set {name} mtu {mtu}")
        with Jumbo(host, guest, mtu):
            for machine, address in ((guest, DOM0), (host.dom0, guest_ip)):
                net.ping(machine, address, f'-c 20 -i 0.02 -W 3 -M "do" -s {mtu - 28}')
                assert not machine.run(f'ping -c 1 -W 1 -q -M "do" -s {mtu - 27} {address}', check=False)
            net.file_both_ways(guest, host.dom0, DOM0, 8)
            net.file_both_ways(guest, host.dom0, DOM0_V6, 4)
    guest.run(f"ip link set {name} mtu 1500")
    net.selftests(guest, "stats")


def vlan(host, guest):
    """A VLAN from the guest to dom0: whole packets, TCP compared, and the tag on every packet."""
    name = guest.interface()
    host.dom0.run("modprobe 8021q; ip link add link xenbr0 name xenbr0.77 type vlan id 77; "
                  "ip addr add 192.168.177.1/24 dev xenbr0.77; ip link set xenbr0.77 up")
    try:
        guest.run(f"modprobe 8021q; ip link add link {name} name vlan77 type vlan id 77; ip addr add 192.168.177.2/24 dev vlan77; "
                  "ip link set vlan77 up")
        for size in (0, 56, 1453, 1468, 1472, 1473, 4000, 65507):
            net.ping(guest, "192.168.177.1", f"-c 3 -i 0.05 -W 3 -s {size}")
        with net.Capture(host.dom0, guest.vif(), "vlan 77", "-e -c 50") as capture:
            net.ping(guest, "192.168.177.1", '-c 5 -i 0.05 -W 3 -M "do" -s 1472')
        assert any("vlan 77" in line for line in capture.lines), capture.lines[:3]
        net.file_both_ways(guest, host.dom0, "192.168.177.1", 8)
        guest.run("ip link del vlan77")
    finally:
        host.dom0.run("ip link del xenbr0.77", check=False)


@case(long=True, nics=[Nic()])
def jumbo_and_vlan(host, guest):
    "MTU 1280 to 9000 at both ends; a VLAN to dom0: whole packets, files compared, pings of every kind."
    jumbo(host, guest)
    vlan(host, guest)
    net.settled(guest)


GROUP, OTHER = "01:16:3e:00:00:01", "01:16:3e:00:00:02"


def sent_to(host, guest, address, count=200):
    """How much the guest's interface counts when somebody else on the bridge sends that many frames to an address. What
    dom0 sends itself netback does not filter."""
    guest.run("sleep 0.5")          # for what was changed to be known over there
    before = net.statistic(guest, guest.interface(), "rx_packets")
    host.dom0.run(f"python3 {net.TOOLS}/frames.py send outside {address} {count}")
    guest.run("sleep 1")
    return net.statistic(guest, guest.interface(), "rx_packets") - before


def multicast(host, guest):
    """Groups that are joined are heard, at once; the others are filtered by netback, not by the guest."""
    net.put(host.dom0, "frames.py")
    host.dom0.run("ip link add outside type veth peer name inside && ip link set inside master xenbr0 up && "
                  "ip link set outside up")
    name = guest.interface()
    joined = guest.spawn(f"python3 {net.TOOLS}/frames.py join {name} {GROUP} /tmp/join")
    counted = guest.spawn(f"python3 {net.TOOLS}/frames.py count {name} /tmp/count")
    guest.wait_for("test -e /tmp/join && test -e /tmp/count")
    got = sent_to(host, guest, GROUP)
    assert got >= 200, f"{got} of 200 frames to a group that is joined"
    net.wait_until(lambda: guest.run("cat /tmp/count").out.strip() == "200", "all 200 frames are heard", 20)
    sent_to(host, guest, "ff:ff:ff:ff:ff:ff", 50)
    if net.ours(guest):
        front = f"/local/domain/{guest.id}/device/vif/{guest.nics.handle(0)}"
        assert host.dom0.read(f"{front}/request-multicast-control") == "1", "multicast control is not asked for"
        got = sent_to(host, guest, OTHER)
        assert got < 100, f"{got} of 200 frames to a group that nobody has joined reach the guest"
    guest.run(f"ip link set {name} allmulticast on")
    got = sent_to(host, guest, OTHER)
    assert got >= 200, f"{got} of 200 frames with allmulticast on"
    guest.run(f"ip link set {name} allmulticast off; ip link set {name} promisc on")
    got = sent_to(host, guest, OTHER)
    assert got >= 200, f"{got} of 200 frames in promiscuous mode"
    guest.run(f"ip link set {name} promisc off; touch /tmp/join.stop")
    joined.wait(check=True)
    if net.ours(guest):
        got = sent_to(host, guest, GROUP)
        assert got < 100, f"{got} of 200 frames to a group that was left"
    # A list longer than netback keeps, and down to nothing again.
    guest.run(f"for n in $(seq 0 99); do ip maddr add $(printf 01:16:3e:01:00:%02x $n) dev {name}; done")
    got = sent_to(host, guest, "01:16:3e:01:00:63")
    assert got >= 200, f"{got} of 200 frames to the hundredth group"
    guest.run(f"for n in $(seq 0 99); do ip maddr del $(printf 01:16:3e:01:00:%02x $n) dev {name}; done; touch /tmp/count.stop")
    counted.wait(check=True)
    # IP's own: neighbours by IPv6 are found by multicast only.
    guest.run(f"ip -6 neigh flush dev {name}")
    host.dom0.run("ip -6 neigh flush dev xenbr0")
    net.ping(host.dom0, guest.nics.find(0).ip6)
    host.dom0.run("ip link del outside")


def other_address(host, guest):
    """Another Ethernet address: dom0 learns it at once; the permanent one is still known."""
    name, nic = guest.interface(), guest.nics.find(0)
    changes = [("02:16:3e:aa:bb:cc", f"ip link set {name} down; ip link set {name} address %s; ip link set {name} up")]
    if net.ours(guest):
        # The kernel's own driver cannot do that while the interface is up.
        changes.append(("02:16:3e:aa:bb:cd", f"ip link set {name} address %s"))
    for address, command in changes:
        guest.run(command % address)
        net.wait_until(lambda: guest.run(f"ping -c 1 -W 1 -q {DOM0}", check=False), "dom0 answers", 20)
        seen = host.dom0.run(f"ip neigh show {nic.ip} dev xenbr0").out
        assert address in seen, f"dom0 knows the guest as {seen}"
        net.ping(host.dom0, nic.ip)
    assert guest.run(f"ethtool -P {name}").out.split()[-1] == nic.mac


@case(long=True, nics=[Nic()])
def addresses(host, guest):
    "Multicast groups joined and left, filtered by netback; all of them, and promiscuous; another Ethernet address."
    multicast(host, guest)
    other_address(host, guest)
    net.settled(guest)


BAD_WAYS = ("loss 3%", "delay 4ms 3ms reorder 30% 50%", "corrupt 2%", "duplicate 10%", "delay 2ms loss 1% corrupt 0.5% reorder 10%")


@case(long=True, nics=[Nic()])
def bad_line(host, guest):
    "Losses, reordering, duplicates and damage in dom0, both ways: TCP's data stays whole."
    vif = guest.vif()
    stream = net.Stream(host.dom0, guest, DOM0, pieces=True)
    host.dom0.run("modprobe -a ifb sch_netem act_mirred cls_matchall sch_ingress; ip link add ifb7 type ifb; ip link set ifb7 up; "
                  f"tc qdisc add dev {vif} ingress; "
                  f"tc filter add dev {vif} ingress matchall action mirred egress redirect dev ifb7")
    try:
        for way in BAD_WAYS:
            for device in (vif, "ifb7"):
                host.dom0.run(f"tc qdisc replace dev {device} root netem limit 2000 {way}")
            stream.wait(1, timeout=300)
    finally:
        host.dom0.run(f"tc qdisc del dev {vif} ingress; tc qdisc del dev {vif} root; ip link del ifb7", check=False)
    stream.wait(4)
    stream.stop()
    net.settled(guest)


@case(long=True, nics=[Nic()])
def flaps(host, guest):
    "The interface in the guest, and the vif in dom0, go down and up under a TCP stream."
    with net.Uninterrupted(guest) as flow:
        name, vif, nic = guest.interface(), guest.vif(), guest.nics.find(0)
        for _ in range(5):
            host.dom0.run(f"ip link set {vif} down; sleep 0.5; ip link set {vif} up")
            flow.stream.wait(1)
        for _ in range(10):
            # IPv6 addresses go with the link.
            guest.run(f"ip link set {name} down; sleep 0.1; ip link set {name} up; "
                      f"ip addr replace {nic.ip6}/64 dev {name} nodad")
        flow.stream.wait(1)
