# SPDX-License-Identifier: GPL-2.0-only
"""Several queues: as many as both ends want, each with its share, more and fewer while traffic goes on."""
import re

from xenbed import Nic, case
from xenbed.nic import DOM0

import _netfront as net


def in_use(guest):
    return int(guest.run(f"ls -d /sys/class/net/{guest.interface()}/queues/tx-* | wc -l").out)


def offered(host, guest):
    """What the guest has written: the queues that really are connected, with their ports."""
    front = f"/local/domain/{guest.id}/device/vif/{guest.nics.handle(0)}"
    text = host.dom0.run(f"xenstore-ls -f {front}").out
    queues = set(re.findall(rf"{front}/queue-(\d+)/tx-ring-ref", text)) or {"0"}
    split = len(re.findall(r"event-channel-rx", text))
    return len(queues), split


def by_queue(guest, way):
    """Packets by queue, out of ethtool -S."""
    found = {}
    for name, value in net.counters(guest, guest.interface()).items():
        number = re.search(r"\d+", name)
        if number and way in name and name.endswith("packets"):
            found[int(number.group(0))] = value
    return [value for _, value in sorted(found.items())]


def interrupts(guest):
    """Lines of /proc/interrupts that are the interface's, each with what every processor got."""
    name = guest.interface()
    lines = guest.run("cat /proc/interrupts").out.splitlines()
    return {line.split()[-1]: list(map(int, re.findall(r"\s(\d+)(?=\s)", line)))
            for line in lines if re.search(rf"\b({name}|{net.read_bus(guest)})\b", line.split()[-1] if line.split() else "")}


@case(long=True, guest=False)
def two_queues(host):
    "A queue for each processor: all are used, counters and interrupts say so, ethtool -L changes them under a stream."
    with net.Queues(host, 2):
        guest = host.guest(vcpus=2, nics=[Nic()]).start()
        assert in_use(guest) == 2, f"{in_use(guest)} queues"
        queues, split = offered(host, guest)
        assert (queues, split) == (2, 2), f"{queues} queues with {split} split event channels in xenstore"
        net.selftests(guest, "ethtool", "stats", "ping")
        net.tcp(host.dom0, guest, DOM0, "-P 8")
        net.tcp(host.dom0, guest, DOM0, "-P 8 -R")
        lines = interrupts(guest)
        assert len(lines) >= 4 and sum(any(counts) for counts in lines.values()) >= 4, f"interrupts: {lines}"
        if net.ours(guest):
            for way in ("rx", "tx"):
                counts = by_queue(guest, way)
                assert len(counts) == 2 and min(counts) > 0.05 * max(counts), f"{way} packets by queue: {counts}"
        stream = net.Stream(host.dom0, guest, DOM0)
        if net.ours(guest):
            # The kernel does not let a table that somebody chose go over the edge.
            guest.run(f"ethtool -X {guest.interface()} default")
            for number in (1, 2, 1, 2):
                guest.run(f"ethtool -L {guest.interface()} combined {number}")
                assert in_use(guest) == number and offered(host, guest)[0] == number, (in_use(guest), offered(host, guest))
                stream.wait(2)
        # A processor that goes takes no queue's traffic along.
        guest.run("echo 0 > /sys/devices/system/cpu/cpu1/online")
        stream.wait(2)
        guest.run("echo 1 > /sys/devices/system/cpu/cpu1/online")
        stream.wait(2)
        stream.stop()
        net.settled(guest)
        guest.destroy()


@case(guest=False)
def receive_steering(host):
    "The table and the key that ethtool sets are netback's: packets go to the queues that it names."
    with net.Queues(host, 2):
        guest = host.guest(vcpus=2, nics=[Nic()]).start()
        if not net.ours(guest):
            guest.run(f"! ethtool -X {guest.interface()} equal 1 2>/dev/null")
            return
        name = guest.interface()
        for table, idle in (("weight 1 0", 1), ("weight 0 1", 0)):
            guest.run(f"ethtool -X {name} {table}")
            before = by_queue(guest, "rx")
            net.tcp(host.dom0, guest, DOM0, "-P 8 -R", 2)
            got = [now - then for now, then in zip(by_queue(guest, "rx"), before)]
            # ARP and the like have no hash.
            assert got[idle] < 50 and got[1 - idle] > 200, f"{table}: received by queue: {got}"
        guest.run(f"ethtool -X {name} equal 2")
        before = by_queue(guest, "rx")
        net.tcp(host.dom0, guest, DOM0, "-P 16 -R", 1)
        got = [now - then for now, then in zip(by_queue(guest, "rx"), before)]
        assert min(got) > 100, f"equal 2: received by queue: {got}"
        # Kept over a reconnect.
        guest.run(f"ethtool -X {name} weight 1 0")
        table = guest.run(f"ethtool -x {name}").out
        net.restart_backend(host, guest)
        net.wait_until(lambda: guest.run(f"ping -c 1 -W 1 -q {DOM0}", check=False), "dom0 answers again", 60)
        assert guest.run(f"ethtool -x {name}").out == table, "another table after a reconnect"
        net.settled(guest)
        guest.destroy()


@case(long=True, guest=False)
def other_numbers(host):
    "Queues that one end does not want: the smaller number is used."
    for theirs, module, vcpus, expected in ((1, "", 2, 1), (4, "", 2, 2), (2, "max_queues=1", 2, 1), (4, "max_queues=3", 4, 3)):
        with net.Queues(host, theirs):
            guest = host.guest(vcpus=vcpus, nics=[Nic()], module_params={"xen-netfront": module} if module else None).start()
            shown = f"netback {theirs}, guest {module or 'default'}, {vcpus} processors"
            assert in_use(guest) == expected == offered(host, guest)[0], f"{shown}: {in_use(guest)} queues"
            net.ping(guest, DOM0, "-f -c 500 -s 1400 -W 3")
            net.tcp(host.dom0, guest, DOM0, "-P 4", 1)
            net.settled(guest)
            guest.destroy()
