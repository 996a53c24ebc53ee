# SPDX-License-Identifier: GPL-2.0-only
"""Checksums, scatter/gather and segmentation: exactly what both ends have agreed on, and right in every mixture."""
import re

from xenbed import Nic, case
from xenbed.nic import DOM0, DOM0_V6

import _netfront as net

# What the backend may not offer, and which of ethtool's features must be off then.
ABSENT = {
    "feature-sg=0": ("tx-scatter-gather", "tx-tcp-segmentation", "tx-tcp6-segmentation"),
    "feature-gso-tcpv4=0": ("tx-tcp-segmentation",),
    "feature-gso-tcpv6=0": ("tx-tcp6-segmentation",),
    "feature-ipv6-csum-offload=0": ("tx-checksum-ipv6", "tx-tcp6-segmentation"),
    "feature-no-csum-offload=1": ("tx-checksum-ipv4", "tx-tcp-segmentation"),
    "feature-no-csum-offload=1 feature-ipv6-csum-offload=0 feature-sg=0": (
        "tx-checksum-ipv4", "tx-checksum-ipv6", "tx-scatter-gather", "tx-tcp-segmentation", "tx-tcp6-segmentation"),
}
# Of what a whole offer allows.
ALL = ("tx-scatter-gather", "tx-tcp-segmentation", "tx-tcp6-segmentation", "generic-receive-offload")
KEYS = {"feature-sg": 1, "feature-gso-tcpv4": 1, "feature-gso-tcpv6": 1, "feature-ipv6-csum-offload": 1,
        "feature-no-csum-offload": 0}


def offer(backend, words):
    """Shell that makes the backend offer all but that."""
    values = {**KEYS, **dict(word.split("=") for word in words.split())}
    return "xenstore-write " + " ".join(f"{backend}/{key} {value}" for key, value in values.items())


def segments(host, guest, address, direction):
    """The longest TCP packet that dom0 sees on the vif, out of the guest or into it."""
    place = "src" if direction == "out" else "dst"
    host_ip = guest.nics.find(0).ip6 if ":" in address else guest.nics.find(0).ip
    with net.Capture(host.dom0, guest.vif(), f"tcp and {place} host {host_ip}", "-c 4000") as capture:
        net.tcp(host.dom0, guest, address, "" if direction == "out" else "-R", 1)
    lengths = [int(length) for length in re.findall(r"length (\d+)", "\n".join(capture.lines))]
    assert lengths, f"no TCP packets {direction}"
    return max(lengths)


@case(long=True, nics=[Nic()])
def segmentation(host, guest):
    "Large TCP packets cross the ring whole, IPv4 and IPv6, both ways; none do when it is turned off."
    name = guest.interface()
    for address in (DOM0, DOM0_V6):
        for direction in ("out", "in"):
            longest = segments(host, guest, address, direction)
            assert longest > 10000, f"to {address}, {direction}: the longest packet has {longest} bytes"
    guest.run(f"ethtool -K {name} tso off gso off")
    for address in (DOM0, DOM0_V6):
        longest = segments(host, guest, address, "out")
        assert longest <= 1500, f"to {address} with tso off: a packet of {longest} bytes"
    guest.run(f"ethtool -K {name} tso on gso on")
    assert segments(host, guest, DOM0, "out") > 10000
    # What the guest has announced to the backend is what dom0's side may use.
    theirs = host.dom0.run(f"ethtool -k {guest.vif()}").out
    for feature in ("tx-checksumming", "scatter-gather", "tcp-segmentation-offload"):
        assert f"{feature}: on" in theirs, f"dom0's {guest.vif()} may not use {feature}"
    net.settled(guest)


@case(long=True, nics=[Nic()])
def backend_lacks(host, guest):
    "What the backend does not offer is off and stays off; traffic is the same without it."
    backend, name = guest.nic_backend(), guest.interface()
    found = net.features(guest)
    assert all(found[feature] == "on" for feature in ALL), found
    for words, absent in ABSENT.items():
        if "no-csum" in words and not net.ours(guest):
            continue                # the kernel's own driver has never read this key
        name = net.rebind(guest, settings=offer(backend, words))
        found = net.features(guest)
        wrong = [feature for feature in absent if found.get(feature, "off") != "off"]
        assert not wrong, f"{words}: {wrong} are on"
        guest.run(f"ethtool -K {name} tso on sg on tx on", check=False)
        found = net.features(guest)
        wrong = [feature for feature in absent if found.get(feature, "off") != "off"]
        assert not wrong, f"{words}: {wrong} can be turned on"
        if "feature-sg=0" in words:
            assert not guest.run(f"ip link set {name} mtu 9000", check=False), "MTU 9000 without scatter/gather"
            guest.run(f"test $(cat /sys/class/net/{name}/mtu) = 1500")
        for address in (DOM0, DOM0_V6):
            net.file_both_ways(guest, host.dom0, address, 4)
    # All of it again: as at the start.
    net.rebind(guest, settings=offer(backend, ""))
    found = net.features(guest)
    assert all(found[feature] == "on" for feature in ALL), found
    net.settled(guest)


@case(long=True, nics=[Nic()])
def checksums(host, guest):
    "Without offload every packet leaves with its right checksum; damaged ones are not taken either way."
    backend, guest_ip = guest.nic_backend(), guest.nics.find(0).ip
    ways = ["tx off"]
    if net.ours(guest):
        ways.append("feature-no-csum-offload=1 feature-ipv6-csum-offload=0")
    for way in ways:
        if "=" in way:
            net.rebind(guest, settings=offer(backend, way))
        else:
            guest.run(f"ethtool -K {guest.interface()} {way}")
        with net.Capture(host.dom0, guest.vif(), f"(tcp or udp) and src host {guest_ip}", "-vv -c 3000") as capture:
            net.tcp(host.dom0, guest, DOM0, seconds=1)
            net.udp(host.dom0, guest, DOM0, 1400, seconds=1, rate="5M")
        text = "\n".join(capture.lines)
        assert text.count("(correct)") + text.count("udp sum ok") > 50, f"{way}: nothing was captured: {text[:300]}"
        bad = [line for line in capture.lines if "(incorrect" in line or "bad udp cksum" in line]
        assert not bad, f"{way}: {len(bad)} packets with a wrong checksum, e.g. {bad[0].strip()}"
    net.rebind(guest, settings=offer(backend, ""))
    # A bit is turned in every twentieth packet on the way in: nobody may take it as checked.
    vif = guest.vif()
    stream = net.Stream(host.dom0, guest, DOM0)
    host.dom0.run(f"tc qdisc add dev {vif} root netem corrupt 5%")
    stream.wait(1, timeout=240)
    host.dom0.run(f"tc qdisc del dev {vif} root")
    stream.wait(4)
    stream.stop()
    net.settled(guest)
