# SPDX-License-Identifier: GPL-2.0-only
"""Traffic between a guest and dom0: what is sent arrives, unchanged, whatever its size and protocol."""
from xenbed import Nic, case, progress
from xenbed.nic import DOM0, DOM0_V6

import _netfront as net


def core(host, guest, megabytes=8):
    """Our driver, pings of all sizes, files both ways, IPv4 and IPv6."""
    net.selftests(guest, "identity", "ping")
    net.file_both_ways(guest, host.dom0, DOM0, megabytes)
    net.file_both_ways(guest, host.dom0, DOM0_V6, megabytes // 4)
    net.ping(host.dom0, guest.nics.find(0).ip, "-c 500 -f -s 1400 -W 3")
    net.settled(guest)


def rates(host, guest):
    """TCP and UDP, each way. An end too slow for its packets may lose them; the ring between may not."""
    guest_ip = guest.nics.find(0).ip
    found = [f"TCP out {net.tcp(host.dom0, guest, DOM0):.2f}, in {net.tcp(host.dom0, guest, DOM0, '-R'):.2f}, 4 streams both ways "
             f"{net.tcp(host.dom0, guest, DOM0, '-P 4 --bidir'):.2f} Gbit/s"]
    before = net.Ring(guest)
    for size in (64, 8000):
        out, lost_out = net.udp(host.dom0, guest, DOM0, size, rate=f"{size * 8 * 500}")
        back, lost_back = net.udp(guest, host.dom0, guest_ip, size, rate=f"{size * 8 * 500}")
        found.append(f"UDP {size}: {out:.0f} packets/s out ({lost_out:.1%} lost), {back:.0f} in ({lost_back:.1%} lost)")
    before.lost_nothing()
    return found


@case(long=["pvh"], type=["pv", "pvh"], nics=[Nic()])
def both_ways(host, guest):
    "TCP, UDP, ICMP, IPv4 and IPv6, both ways, compared."
    core(host, guest)
    for line in rates(host, guest):
        progress.say(f"    {line}")
    net.settled(guest)


@case(long=True, kernel=["6.12", "7.x"], memory=640, nics=[Nic()])
def newer_kernels(host, guest):
    "The same with newer kernels."
    core(host, guest, 8)
    net.tcp(host.dom0, guest, DOM0)
    net.tcp(host.dom0, guest, DOM0, "-R")
    net.selftests(guest, "ethtool", "stats", "link")


@case(long=True, type="pvh", kernel=["6.12", "7.x"], memory=640, nics=[Nic()])
def newer_kernels_pvh(host, guest):
    "Newer kernels in PVH guests."
    core(host, guest, 8)
    net.selftests(guest, "link", "upper", "xdp")


@case(long=True, type="hvm", nics=[Nic(model="e1000")])
def fully_virtualised(host, guest):
    "In an HVM guest the emulated card is unplugged and ours takes its place."
    guest.run("modprobe e1000; sleep 1")
    found = guest.run("ls /sys/class/net | grep -v -e ^lo$ -e ^sit").out.split()
    assert found == [guest.interface(0)], f"the guest's interfaces are {found}"
    core(host, guest, 4)


@case(long=True, nics=[Nic()])
def odd_pieces(host, guest):
    "TCP data that is made of many odd pieces of pages, both ways, every byte compared."
    for features in ("", "tso off", "tso on gso off", "sg off", "tx off", "sg on tx on tso on gso on gro off", "gro on"):
        if features:
            guest.run(f"ethtool -K {guest.interface()} {features}")
        stream = net.Stream(host.dom0, guest, DOM0, pieces=True)
        stream.wait(8)
        stream.stop()
    net.selftests(guest, "stats")
    net.settled(guest)


@case(long=True, vcpus=2, nics=[Nic() for _ in range(4)])
def several(host, guest):
    "Four interfaces at the same time: each has its own traffic and nobody else's."
    names = [guest.interface(nic) for nic in range(4)]
    assert sorted(names) == [f"eth{number}" for number in range(4)], names
    # All are in one network: each sends for its own address only.
    for number, name in enumerate(names):
        guest.run(f"ip route add 192.168.77.0/24 dev {name} src {guest.nics.find(number).ip} table {100 + number}; "
                  f"ip rule add from {guest.nics.find(number).ip} table {100 + number}")
    before = [net.statistic(guest, name, "rx_packets") for name in names]
    for number, name in enumerate(names):
        host.dom0.run(f"ip neigh flush dev xenbr0; ping -c 1 -W 3 -q {guest.nics.find(number).ip}")
        net.ping(host.dom0, guest.nics.find(number).ip, f"-f -c {200 * (number + 1)} -s 500 -W 3")
    for number, name in enumerate(names):
        got = net.statistic(guest, name, "rx_packets") - before[number]
        assert 200 * (number + 1) <= got < 200 * (number + 1) + 100, f"{name} got {got} packets"
    for number in range(4):
        net.settled(guest, nic=number)


SSH = """set -e
dropbearkey -t ed25519 -f /tmp/host-key > /dev/null 2>&1
dropbearkey -t ed25519 -f /tmp/id > /tmp/id.text 2>/dev/null
mkdir -p /root/.ssh && chmod 700 /root /root/.ssh && grep ^ssh- /tmp/id.text > /root/.ssh/authorized_keys
chmod 600 /root/.ssh/authorized_keys
grep -q ^root /etc/passwd; chsh -s /bin/sh root 2>/dev/null || true
dropbear -r /tmp/host-key -p 22 -E > /tmp/dropbear.log 2>&1 < /dev/null
"""


@case(long=True, nics=[Nic()])
def ssh_session(host, guest):
    "dom0 works in the guest by SSH: a long output, a file in and out, small packets."
    guest.run(SSH)
    host.dom0.put(guest.get("/tmp/id"), "/tmp/id", 0o600)
    login = f"dbclient -y -y -i /tmp/id root@{guest.nics.find(0).ip}"
    assert host.dom0.run(f"{login} hostname").out.strip() == "guest"
    lines = host.dom0.run(f"{login} seq 200000 | sha256sum").out
    assert lines == host.dom0.run("seq 200000 | sha256sum").out, "a long output came out differently"
    host.dom0.run(f"head -c 5M /dev/urandom > /tmp/file; {login} 'cat > /tmp/file' < /tmp/file")
    assert host.dom0.run(f"{login} cat /tmp/file | sha256sum").out == host.dom0.run("sha256sum < /tmp/file").out
    # As somebody types: one character there and one back.
    typed = host.dom0.run(f"( for i in $(seq 40); do echo $i; sleep 0.02; done ) | {login} cat").out.split()
    assert typed == [str(number) for number in range(1, 41)]


@case(long=True, nics=[Nic()])
def slow_guest(host, guest):
    "A guest that takes nothing for longer than netback waits: traffic is there again as soon as it runs."
    flood = host.dom0.spawn(f"ping -f -q -s 1400 {guest.nics.find(0).ip}")
    guest.run("sleep 1")
    for seconds in (3, 15):
        guest.pause()
        host.dom0.run(f"sleep {seconds}")
        guest.unpause()
        net.wait_until(lambda: guest.run(f"ping -c 1 -W 1 -q {DOM0}", check=False), "dom0 answers again", 30)
    flood.kill(2)
    flood.wait()
    net.file_both_ways(guest, host.dom0, DOM0, 8)
    net.settled(guest)


@case(long=True, memory=384, nics=[Nic()], expect=[r"page allocation failure", r"Call Trace:"])
def low_memory(host, guest):
    "While there is next to no memory packets may be lost; with memory again all is as before."
    guest.run("mkdir -p /tmp/full && mount -t tmpfs -o size=95% tmpfs /tmp/full")
    flood = host.dom0.spawn(f"ping -f -q -s 20000 {guest.nics.find(0).ip}")
    guest.run("echo 1 > /proc/sys/vm/overcommit_memory; free=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo); "
              "dd if=/dev/zero of=/tmp/full/file bs=1M count=$((free > 12 ? free - 12 : 1)) status=none || true; sleep 3; "
              "grep MemFree /proc/meminfo; rm /tmp/full/file", timeout=300)
    flood.kill(2)
    flood.wait()
    net.wait_until(lambda: guest.run(f"ping -c 1 -W 1 -q {DOM0}", check=False), "dom0 answers again", 30)
    net.file_both_ways(guest, host.dom0, DOM0, 8)
    net.ping(host.dom0, guest.nics.find(0).ip, "-c 2000 -f -s 1400 -W 3")
    net.settled(guest)
