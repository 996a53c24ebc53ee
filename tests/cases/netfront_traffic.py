# SPDX-License-Identifier: GPL-2.0-only
"""Traffic between a guest and dom0: what is sent arrives, unchanged, whatever its size and protocol."""
from xenbed import Nic, case, progress
from xenbed.nic import DOM0, DOM0_V6

import _netfront as net


def core(host, guest, megabytes=16):
    """Our driver, pings of all sizes, files both ways, IPv4 and IPv6."""
    net.selftests(guest, "identity", "ping")
    net.file_both_ways(guest, host.dom0, DOM0, megabytes)
    net.file_both_ways(guest, host.dom0, DOM0_V6, megabytes // 4)
    net.ping(host.dom0, guest.nics.find(0).ip, "-c 500 -f -s 1400 -W 3")
    net.settled(guest)


def rates(host, guest):
    """TCP and UDP, each way."""
    guest_ip = guest.nics.find(0).ip
    found = [f"TCP out {net.tcp(host.dom0, guest, DOM0):.2f}, in {net.tcp(host.dom0, guest, DOM0, '-R'):.2f}, IPv6 out "
             f"{net.tcp(host.dom0, guest, DOM0_V6):.2f}, 4 streams both ways "
             f"{net.tcp(host.dom0, guest, DOM0, '-P 4 --bidir'):.2f} Gbit/s"]
    for size in (64, 1400, 8000):
        # Slow enough for an emulated machine: what is lost then was lost by somebody.
        out, lost_out = net.udp(host.dom0, guest, DOM0, size, rate=f"{size * 8 * 500}")
        back, lost_back = net.udp(guest, host.dom0, guest_ip, size, rate=f"{size * 8 * 500}")
        found.append(f"UDP {size}: {out:.0f} packets/s out ({lost_out:.1%} lost), {back:.0f} in ({lost_back:.1%} lost)")
        assert max(lost_out, lost_back) < 0.05, found[-1]
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
    net.settled(guest)
